// Lists that the server draws anew as they change: a click on a button goes to the server, and what
// a reader has unfolded stays unfolded, with what they chose and typed there. Gradio gives
// `element`, `trigger` and `watch`.
const unfolded = new Set();
const entered = new Map();

const fieldsOf = (details) => [...details.querySelectorAll('select, input')];

function refill(details) {
  const values = entered.get(details.dataset.key);
  fieldsOf(details).forEach((field, place) => {
    const value = values ? values[place] : field.dataset.now;
    if (value !== undefined) field.value = value;
  });
}

element.addEventListener('input', ({ target }) => {
  const details = target.closest('details[data-key]');
  if (details) entered.set(details.dataset.key, fieldsOf(details).map((field) => field.value));
});

element.addEventListener('toggle', ({ target }) => {
  const key = target.dataset?.key;
  if (!key) return;
  if (target.open) {
    unfolded.add(key);
    refill(target);
  } else {
    unfolded.delete(key);
    entered.delete(key);
  }
}, true);

watch('value', () => {
  for (const details of element.querySelectorAll('details[data-key]')) {
    details.open = unfolded.has(details.dataset.key);
    if (details.open) refill(details);
  }
});

function fold() {
  for (const menu of element.querySelectorAll('details.menu[open]')) menu.open = false;
}

document.addEventListener('click', (event) => {
  if (!event.target.closest('details.menu')) fold();
});
element.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') fold();
});

element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-do]');
  if (!button || button.disabled) return;
  const row = button.closest('[data-source]');
  const panel = button.closest('.panel');
  const select = panel?.querySelector('select');
  trigger('click', {
    do: button.dataset.do,
    source: row.dataset.source,
    value: button.dataset.value || select?.value || panel?.querySelector('input')?.value || '',
  });
  fold();
});
