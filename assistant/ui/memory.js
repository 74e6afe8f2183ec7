// The memory page's lists, which the server draws anew as they change: what a reader unfolded stays
// unfolded, what is being typed stays, and the keyboard stays on its row. Gradio gives `element`,
// `trigger` and `watch`; it draws by position, so a node may be another row's after a change.
const unfolded = new Set();
const drafts = new Map(); // memory -> { text, caret, version that it began from, sent, lost }
const CONTROLS = ['.edit', '.pin', '.menu > summary', '.before > summary', 'textarea', 'a.title'];
let focused = null; // { id, control }

const rowOf = (node) => node.closest('[data-id]');
const rowWith = (id) => [...element.querySelectorAll('[data-id]')].find((row) => row.dataset.id === id);
const words = (row) => row.querySelector('.words').textContent;
const plain = (text) => text.normalize('NFKC').trim().split(/\s+/).join(' ');

function send(what, { id = '', version = '' } = {}, value = '') {
  trigger('click', { do: what, id, version, value });
}

function fold() {
  for (const menu of element.querySelectorAll('details.menu[open]')) menu.open = false;
}

function edit(row, draft = { text: words(row), version: row.dataset.version }) {
  if (row.querySelector('.editor')) return;
  fold();
  drafts.set(row.dataset.id, draft);
  const editor = element.querySelector('template').content.firstElementChild.cloneNode(true);
  row.querySelector('.about').append(editor);
  row.classList.add('editing');
  const box = editor.querySelector('textarea');
  box.value = draft.text;
  box.setSelectionRange(draft.caret ?? box.value.length, draft.caret ?? box.value.length);
  return box;
}

function leave(row) {
  drafts.delete(row.dataset.id);
  row.querySelector('.editor').remove();
  row.classList.remove('editing');
  row.querySelector('.edit').focus();
}

function save(row) {
  const draft = drafts.get(row.dataset.id);
  if (draft.text.trim() === words(row)) {
    leave(row);
    return;
  }
  const { id, version } = row.dataset;
  send('save', { id, version: draft.version || version }, draft.text);
  // Who is told that the memory was changed elsewhere, and saves again, means it; and who is told
  // that it was deleted has the words back already.
  Object.assign(draft, { sent: true, version: '', lost: true });
}

function takeUp(id, draft) {
  const row = rowWith(id);
  if (!row) {
    // Filtered out, and it may come back; or deleted elsewhere, and the words need a new place.
    if (!draft.lost) send('orphan', { id }, draft.text);
    draft.lost = true;
    return;
  }
  draft.lost = false;
  if (!draft.sent || plain(words(row)) !== plain(draft.text)) {
    edit(row, draft);
    return;
  }
  drafts.delete(id);
  focused = { id, control: '.edit' };
}

watch('value', () => {
  for (const details of element.querySelectorAll('details[data-key]')) {
    details.open = unfolded.has(details.dataset.key);
  }
  for (const [id, draft] of drafts) takeUp(id, draft);
  const control = focused && rowWith(focused.id)?.querySelector(focused.control);
  control?.focus({ preventScroll: true });
});

element.addEventListener('toggle', ({ target }) => {
  const key = target.dataset?.key;
  if (!key) return;
  if (target.open) unfolded.add(key); else unfolded.delete(key);
}, true);

element.addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  const row = rowOf(target);
  if (button?.matches('.edit')) edit(row)?.focus();
  else if (button?.matches('.leave')) leave(row);
  else if (button?.dataset.do === 'save') save(row);
  else if (button?.dataset.do) {
    send(button.dataset.do, row?.dataset);
    fold();
  } else if (target.closest('.words') && getSelection().isCollapsed) edit(row)?.focus();
});

element.addEventListener('input', ({ target }) => {
  const draft = drafts.get(rowOf(target)?.dataset.id);
  if (draft) Object.assign(draft, { text: target.value, caret: target.selectionStart });
});

element.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  const typed = event.target.matches('textarea');
  if (typed && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save(rowOf(event.target));
  else if (typed && event.key === 'Escape') leave(rowOf(event.target));
  else if (event.key === 'Escape') {
    event.target.closest('details.menu')?.querySelector('summary').focus();
    fold();
  }
});

document.addEventListener('focusin', ({ target }) => {
  const row = element.contains(target) && rowOf(target);
  const control = row && CONTROLS.find((selector) => target.matches(selector));
  focused = control ? { id: row.dataset.id, control } : null;
});

document.addEventListener('pointerdown', ({ target }) => {
  if (!element.contains(target)) focused = null;
  if (!target.closest('details.menu')) fold();
});
