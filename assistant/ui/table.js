// The table of documents. Which rows are ticked is known here alone, so that it outlives the table,
// which the server draws anew as it changes; an action sends their ids. Gradio gives `element`,
// `trigger` and `watch`.
const ticked = new Set();
let collection = '';

function show() {
  const boxes = [...element.querySelectorAll('input[data-id]')];
  for (const box of boxes) {
    box.checked = ticked.has(box.dataset.id);
    box.closest('tr').classList.toggle('ticked', box.checked);
  }
  const all = element.querySelector('input[data-all]');
  if (all) {
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  const bulk = element.querySelector('.bulk');
  if (!bulk) return;
  bulk.hidden = ticked.size === 0;
  const said = bulk.querySelector('[data-count]');
  said.textContent = said.dataset.count.replace('{n}', ticked.size);
}

watch('value', () => {
  const now = element.querySelector('.documents')?.dataset.collection;
  if (now !== undefined && now !== collection) {
    collection = now;
    ticked.clear();
  }
  show();
});

element.addEventListener('change', ({ target }) => {
  if (target.dataset.id) {
    if (target.checked) ticked.add(target.dataset.id); else ticked.delete(target.dataset.id);
  } else if ('all' in target.dataset) {
    for (const box of element.querySelectorAll('input[data-id]')) {
      if (target.checked) ticked.add(box.dataset.id); else ticked.delete(box.dataset.id);
    }
  }
  show();
});

element.addEventListener('forget', () => {
  ticked.clear();
  show();
});

element.addEventListener('click', ({ target }) => {
  const button = target.closest('button[data-do]');
  if (!button || button.disabled) return;
  if (button.dataset.do === 'clear') {
    ticked.clear();
    show();
    return;
  }
  trigger('click', {
    do: button.dataset.do,
    value: button.dataset.value || '',
    ids: [...ticked].join(','),
  });
});
