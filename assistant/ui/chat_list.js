// The list of conversations, which the server draws anew as it changes: the keyboard stays on its
// row, a name that is being typed stays, and other windows follow. Gradio gives `element`, `trigger`
// and `watch`; it draws by position, so a node may be another row's after a change.
const others = 'BroadcastChannel' in window ? new BroadcastChannel('conversations') : null;
const rows = () => [...element.querySelectorAll('.talk')];
const rowWith = (id) => rows().find((row) => row.dataset.id === id);
const side = () => document.querySelector('#side');
const toggle = () => document.querySelector('#show-side');
let focused = null; // { id, control } of the row that the keyboard is on
let naming = null; // { id, text } of the name that is being typed
let timers = [];
let isChanging = false; // until the server has done it: only then others may look

function send(what, id = '', value = '') {
  isChanging = what !== 'refresh' && what !== 'more';
  trigger('click', { do: what, id, value });
}

// The server groups by the reader's own days.
function keepZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || '';
  const kept = `zone=${encodeURIComponent(zone)}`;
  if (document.cookie.split('; ').includes(kept)) return;
  document.cookie = `${kept}; path=/; max-age=31536000; SameSite=Lax`;
  send('refresh');
}

function fold() {
  for (const menu of element.querySelectorAll('.talk-menu[open]')) menu.open = false;
}

function place(menu) {
  const panel = menu.querySelector('.talk-panel');
  const at = menu.querySelector('summary').getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const below = at.bottom + 4 + height <= innerHeight;
  panel.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
  panel.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
}

function openDrawer(isOpen) {
  side()?.classList.toggle('open', isOpen);
  const button = toggle();
  (button?.querySelector('button') ?? button)?.setAttribute('aria-expanded', String(isOpen));
}

function rename(row, text) {
  fold();
  row.querySelector('.new-name')?.remove();
  const link = row.querySelector('a');
  const box = document.createElement('input');
  box.className = 'new-name';
  box.maxLength = 60;
  box.value = text ?? link.querySelector('.title').textContent;
  box.setAttribute('aria-label', element.querySelector('.talks').dataset.naming);
  row.classList.add('naming');
  row.prepend(box);
  naming = { id: row.dataset.id, text: box.value };
  box.focus();
  if (text === undefined) box.select();
}

function named(isKept) {
  if (!naming) return;
  const { id, text } = naming;
  const row = rowWith(id);
  naming = null;
  const title = row?.querySelector('.title');
  row?.querySelector('.new-name')?.remove();
  row?.classList.remove('naming');
  if (isKept && text.trim() && text.trim() !== title?.textContent) {
    if (title) title.textContent = text.trim();
    send('rename', id, text);
  }
  row?.querySelector('a').focus();
}

function countDown() {
  timers.forEach(clearTimeout);
  timers = [...element.querySelectorAll('.undo')].map((bar) => {
    bar.style.setProperty('--left', `${bar.dataset.left}s`);
    return setTimeout(() => { bar.hidden = true; }, 1000 * Number(bar.dataset.left));
  });
}

watch('value', () => {
  for (const box of element.querySelectorAll('.new-name')) {
    box.parentElement.classList.remove('naming');
    box.remove();
  }
  for (const bar of element.querySelectorAll('.undo')) bar.hidden = false;
  fold();
  countDown();
  if (isChanging) others?.postMessage('changed');
  isChanging = false;
  const row = naming && rowWith(naming.id);
  if (row) rename(row, naming.text);
  else if (focused) rowWith(focused.id)?.querySelector(focused.control)?.focus({ preventScroll: true });
});

element.addEventListener('click', (event) => {
  const link = event.target.closest('.talk > a');
  const button = event.target.closest('button[data-do]');
  const id = event.target.closest('[data-id]')?.dataset.id;
  if (link) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openDrawer(false);
    trigger('select', { id });
  } else if (button?.dataset.do === 'rename') rename(rowWith(id));
  else if (button) {
    fold();
    if (button.dataset.do === 'delete') focused = null;
    send(button.dataset.do, id);
  } else if (event.target.closest('.talk-panel a')) fold();
});

element.addEventListener('toggle', ({ target }) => {
  if (!target.matches('.talk-menu') || !target.open) return;
  for (const menu of element.querySelectorAll('.talk-menu[open]')) {
    if (menu !== target) menu.open = false;
  }
  place(target);
}, true);

element.addEventListener('input', ({ target }) => {
  if (naming && target.matches('.new-name')) naming.text = target.value;
});

element.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  const { target, key } = event;
  if (target.matches('.new-name')) {
    if (key === 'Enter' || key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      named(key === 'Enter');
    }
    return;
  }
  const menu = target.closest('.talk-menu[open]');
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (key === 'Escape' && menu) {
    event.stopPropagation();
    menu.querySelector('summary').focus();
    fold();
  } else if (step && menu) {
    event.preventDefault();
    const items = [...menu.querySelectorAll('.talk-panel > *')];
    items.at((items.indexOf(target) + step + items.length) % items.length)?.focus();
  } else if (step && target.matches('.talk > a')) {
    event.preventDefault();
    const links = rows().map((row) => row.querySelector('a'));
    links[links.indexOf(target) + step]?.focus();
  } else if (key === 'F2' && target.matches('.talk > a')) rename(target.closest('.talk'));
  else if (key === 'Delete' && target.matches('.talk > a')) {
    const next = rows()[rows().indexOf(target.closest('.talk')) + 1];
    focused = next ? { id: next.dataset.id, control: 'a' } : null;
    send('delete', target.closest('.talk').dataset.id);
  }
});

element.addEventListener('focusout', ({ target, relatedTarget }) => {
  if (target.matches('.new-name') && relatedTarget && naming) named(true);
});

document.addEventListener('focusin', ({ target }) => {
  const row = element.contains(target) && target.closest('.talk');
  const control = row && ['a', 'summary'].find((selector) => target.matches(`.talk ${selector}`));
  focused = control ? { id: row.dataset.id, control } : null;
});

document.addEventListener('pointerdown', ({ target }) => {
  if (!target.closest('.talk-menu')) fold();
  if (naming && !target.closest('.new-name')) named(true);
  const isOpen = side()?.classList.contains('open');
  if (isOpen && !target.closest('#side') && !target.closest('#show-side')) openDrawer(false);
});
document.addEventListener('click', ({ target }) => {
  if (target.closest('#show-side')) openDrawer(!side()?.classList.contains('open'));
  else if (target.closest('#new')) openDrawer(false);
});
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || !side()?.classList.contains('open')) return;
  openDrawer(false);
  const button = toggle();
  (button?.querySelector('button') ?? button)?.focus();
});
element.addEventListener('scroll', fold, true);
addEventListener('resize', fold);
addEventListener('conversation', ({ detail }) => { if (detail) others?.postMessage('turn'); });
others?.addEventListener('message', () => send('refresh'));
document.addEventListener('visibilitychange', () => { if (!document.hidden) send('refresh'); });
keepZone();
