// What the chat page does without the server: cards of citations, drafts, shortcuts, copying; and
// the way to the server for the buttons below an answer. Gradio gives `element` and `trigger`.
const DRAFT = 'draft:';
const OWNER = 'drafts-of';
const composer = () => document.querySelector('#composer textarea');
const conversation = () => new URL(location).searchParams.get('c') || '';
const card = () => document.querySelector('#cite-card');
const help = () => element.querySelector('dialog');

// Buttons of a turn

document.addEventListener('click', ({ target }) => {
  const button = target.closest('#chat .turn-tail button[name], #chat .versions button[name]');
  if (!button) return;
  const { name, value } = button;
  if (name === 'copy') copy(button);
  else if (name === 'retry') trigger('click', { do: name, id: value });
  else {
    if (name === 'good' || name === 'bad') button.classList.toggle('on');
    const typed = name === 'own_reason' ? button.parentElement.querySelector('input').value : '';
    trigger('input', { do: name, id: value, value: typed });
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing || !event.target.matches('#chat .own-reason')) return;
  event.target.parentElement.querySelector('button').click();
});

async function copy(button) {
  const place = `/conversation/${encodeURIComponent(conversation())}/export`;
  const answer = await fetch(`${place}?format=md&turn=${encodeURIComponent(button.value)}`);
  if (!answer.ok) return;
  await write(await answer.text());
  const { title } = button;
  button.classList.add('copied');
  button.title = element.querySelector('.words').dataset.copied;
  setTimeout(() => { button.classList.remove('copied'); button.title = title; }, 1600);
}

async function write(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // A page that is not from this machine and not over HTTPS.
  const box = document.createElement('textarea');
  box.value = text;
  box.style.position = 'fixed';
  document.body.append(box);
  box.select();
  document.execCommand('copy');
  box.remove();
}

// Citations: a card with what the sources below the answer say of the passage

const CITATION = '#chat .message-content a[href^="/source/"]:not(.title)';
let cited = null; // the link whose card is shown
let waiting = 0;
let pointer = 'mouse';

function sourceOf(link) {
  const number = link.textContent.replace(/\D/g, '');
  const sources = link.closest('.bot-row')?.querySelectorAll('.sources li') ?? [];
  return [...sources].find((row) => row.querySelector('.n').textContent === number);
}

function showCard(link) {
  clearTimeout(waiting);
  const source = sourceOf(link);
  if (!source || cited === link) return;
  hideCard();
  const words = element.querySelector('.words').dataset;
  const box = card();
  const title = source.querySelector('.names').firstElementChild.cloneNode(true);
  const named = source.querySelector('.where');
  const where = named?.textContent === title.textContent ? undefined : named?.cloneNode(true);
  const quote = source.querySelector('blockquote').cloneNode(true);
  const open = document.createElement('a');
  Object.assign(open, { href: link.href, target: '_blank', rel: 'noopener noreferrer' });
  open.className = 'open';
  open.textContent = `${words.open} ↗`;
  const foot = document.createElement('div');
  foot.className = 'foot';
  foot.append(open, ...[source.querySelector('.origin')?.cloneNode(true)].filter(Boolean));
  box.replaceChildren(title, ...[where].filter(Boolean), quote, foot);
  box.hidden = false;
  const at = link.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const isBelow = at.bottom + 6 + height <= innerHeight || at.top < height + 14;
  box.style.left = `${Math.max(10, Math.min(at.left - 20, innerWidth - width - 10))}px`;
  box.style.top = `${isBelow ? at.bottom + 6 : at.top - height - 6}px`;
  quote.querySelector('mark')?.scrollIntoView({ block: 'nearest' });
  // The browser's own hint would lie over the card.
  if (link.title) {
    link.setAttribute('aria-label', `${words.citation.replace('{n}', link.textContent)} ${link.title}`);
    link.removeAttribute('title');
  }
  link.setAttribute('aria-describedby', 'cite-card');
  cited = link;
}

function hideCard() {
  clearTimeout(waiting);
  card().hidden = true;
  cited?.removeAttribute('aria-describedby');
  cited = null;
}

const soon = (work, milliseconds) => {
  clearTimeout(waiting);
  waiting = setTimeout(work, milliseconds);
};

document.addEventListener('pointerover', ({ target, pointerType }) => {
  if (pointerType !== 'mouse') return;
  const link = target.closest(CITATION);
  if (link) soon(() => showCard(link), 120);
  else if (target.closest('#cite-card')) clearTimeout(waiting);
  else if (cited && document.activeElement !== cited) soon(hideCard, 220);
});
document.addEventListener('pointerdown', ({ target, pointerType }) => {
  pointer = pointerType;
  if (cited && !target.closest(CITATION) && !target.closest('#cite-card')) hideCard();
});
document.addEventListener('focusin', ({ target }) => {
  const link = target.closest(CITATION);
  if (link && pointer !== 'touch' && !link.matches('.returning')) showCard(link);
  else if (cited && !target.closest('#cite-card')) hideCard();
});
document.addEventListener('scroll', ({ target }) => {
  if (cited && target !== card() && !card().contains(target)) hideCard();
}, true);

// Drafts: what was typed and not sent, for each conversation

let current = conversation();
let asked = false;
let sending = 0; // until the server has the question

function keepDraft() {
  const { value } = composer();
  if (value.trim()) localStorage.setItem(DRAFT + current, value);
  else localStorage.removeItem(DRAFT + current);
}

function takeUpDraft() {
  const box = composer();
  const draft = localStorage.getItem(DRAFT + current) ?? '';
  if (!box || box.value === draft) return;
  box.value = draft;
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

// A question that is on its way is still a draft: the server empties the box once it has it.
function sent() {
  asked = true;
  const key = DRAFT + current;
  clearInterval(sending);
  sending = setInterval(() => {
    if (composer()?.value) return;
    clearInterval(sending);
    localStorage.removeItem(key);
  }, 100);
}

document.addEventListener('input', ({ target }) => {
  if (target === composer()) keepDraft();
});
document.addEventListener('keydown', (event) => {
  if (event.target !== composer() || event.key !== 'Enter') return;
  if (!event.shiftKey && !event.isComposing) sent();
}, true);
document.addEventListener('click', ({ target }) => {
  if (target.closest('#composer .submit-button')) sent();
}, true);
addEventListener('conversation', ({ detail }) => {
  const was = current;
  current = detail;
  if (asked && !was) {
    asked = false; // the new conversation has got its name; what is being typed stays
    keepDraft();
    return;
  }
  asked = false;
  takeUpDraft();
});

// Whoever used this browser before may have left without a word: their drafts are not the next one's.
function forgetDraftsOfOthers(owner) {
  const known = localStorage.getItem(OWNER);
  localStorage.setItem(OWNER, owner);
  if (known === null || known === owner) return;
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(DRAFT)) localStorage.removeItem(key);
  }
}

const looking = setInterval(() => {
  const owner = element.querySelector('.words')?.dataset.owner;
  if (!owner || !composer()) return;
  clearInterval(looking);
  forgetDraftsOfOthers(owner);
  if (!composer().value && localStorage.getItem(DRAFT + current)) takeUpDraft();
}, 100);

// Shortcuts

const isTyping = (node) => node.matches('input, textarea, select, [contenteditable=true]');
const press = (selector) => {
  const found = document.querySelector(selector);
  (found?.matches('button') ? found : found?.querySelector('button'))?.click();
};
const search = () => {
  const side = document.querySelector('#side');
  if (getComputedStyle(side).display === 'none') press('#show-side');
  document.querySelector('#find-talk input, #find-talk textarea')?.focus();
};

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const { key, target } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  const letter = key.toLowerCase();
  let done = true;
  if (isCommand && event.shiftKey && letter === 'o') press('#new');
  else if (isCommand && !event.shiftKey && letter === 'k') search();
  else if (isCommand && key === '/') toggleHelp();
  else if (key === 'Escape' && event.shiftKey) composer()?.focus();
  else if (key === 'Escape') escape();
  else if (!isCommand && !event.altKey && !isTyping(target) && key === '/') composer()?.focus();
  else if (!isCommand && !event.altKey && !isTyping(target) && key === '?') toggleHelp();
  else done = false;
  if (done) event.preventDefault();
});

function escape() {
  if (help().open) help().close();
  else if (cited) hideCard();
  else if (!document.querySelector('#side.open')) press('#composer .stop-button');
}

function toggleHelp() {
  if (help().open) help().close();
  else help().showModal();
}

element.addEventListener('click', ({ target }) => {
  if (target.closest('.show-keys')) toggleHelp();
  else if (target.closest('.close-keys') || target === help()) help().close();
});
