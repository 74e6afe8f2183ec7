// Files attached to the conversation: dropped on the chat or pasted into the question box as well as
// chosen, and removed. Gradio gives `element` and `trigger`.
const here = () => new URL(location).searchParams.get('c') || '';
const input = () => document.querySelector('#attach input[type=file]')
  ?? document.querySelector('#attach')?.parentElement.querySelector('input[type=file]');
let isFirst = false; // files are on their way that give a new conversation its id

// The server asks where they belong once they have arrived: somebody may look at another by then.
function aim() {
  const box = document.querySelector('#attach-to textarea, #attach-to input');
  box.value = here();
  box.dispatchEvent(new Event('input', { bubbles: true }));
  isFirst = !box.value;
}

function attach(files) {
  const chosen = input();
  if (!chosen || chosen.disabled) return;
  const given = new DataTransfer();
  for (const file of files) given.items.add(file);
  chosen.files = given.files;
  chosen.dispatchEvent(new Event('change', { bubbles: true }));
}

// Gradio shows nothing while it sends files, and tells nobody when it could not.
const send = (isSending) => {
  document.querySelector('#attach')?.setAttribute('aria-busy', String(isSending));
};
new PerformanceObserver((seen) => {
  if (seen.getEntries().some(({ name }) => name.includes('/gradio_api/upload'))) send(false);
}).observe({ type: 'resource' });

document.addEventListener('change', ({ target }) => {
  if (target !== input() || !target.files.length) return;
  aim();
  send(true);
}, true);

const holdsFiles = (data) => [...data?.types ?? []].includes('Files');
const isChat = (node) => node.closest?.('#main') && !node.closest('dialog');

document.addEventListener('paste', (event) => {
  const files = [...event.clipboardData?.files ?? []];
  // What an office program copies has a picture beside its text: the text is meant.
  const isText = event.clipboardData?.types.includes('text/plain');
  if (!files.length || isText || !event.target.closest?.('#composer')) return;
  event.preventDefault();
  attach(files);
}, true);
document.addEventListener('dragover', (event) => {
  if (!holdsFiles(event.dataTransfer) || !isChat(event.target)) return;
  event.preventDefault();
  document.querySelector('#ask').classList.add('over');
});
for (const over of ['dragleave', 'drop', 'dragend']) {
  document.addEventListener(over, ({ relatedTarget }) => {
    if (!relatedTarget) document.querySelector('#ask')?.classList.remove('over');
  });
}
document.addEventListener('drop', (event) => {
  const files = [...event.dataTransfer?.files ?? []];
  if (!files.length || !isChat(event.target)) return;
  event.preventDefault();
  event.stopPropagation();
  document.querySelector('#ask').classList.remove('over');
  attach(files);
}, true);

// What is being typed stays when the files give the conversation its id: drafts are kept by that.
// Captured, so that it is done before chat.js looks for the draft.
addEventListener('conversation', ({ detail }) => {
  if (!detail) return;
  const isKnown = document.querySelector(`#talks .talk[data-id="${CSS.escape(detail)}"]`);
  if (isFirst && !isKnown) {
    const typed = document.querySelector('#composer textarea').value;
    if (typed.trim()) localStorage.setItem(`draft:${detail}`, typed);
    localStorage.removeItem('draft:');
  }
  isFirst = false;
}, true);

element.addEventListener('click', ({ target }) => {
  const button = target.closest('button[name=detach]');
  if (!button) return;
  button.disabled = true;
  document.querySelector('#attach').focus(); // the button goes with its file
  trigger('click', { do: button.name, id: button.value });
});
