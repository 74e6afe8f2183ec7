// Lists that the server draws anew as they change: a click on a button goes to the server, and what
// a reader has unfolded stays unfolded. Gradio gives `element`, `trigger` and `watch`.
const unfolded = new Set();

element.addEventListener('toggle', ({ target }) => {
  const key = target.dataset?.key;
  if (!key) return;
  if (target.open) unfolded.add(key); else unfolded.delete(key);
  const select = target.querySelector('select[data-now]');
  if (target.open && select) select.value = select.dataset.now;
}, true);

watch('value', () => {
  for (const details of element.querySelectorAll('details[data-key]')) {
    details.open = unfolded.has(details.dataset.key);
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
    value: select?.value || panel?.querySelector('input')?.value || '',
  });
  fold();
});
