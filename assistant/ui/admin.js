// Lists of the admin page: a click on a button goes to the server. Gradio gives `element` and
// `trigger`.
element.addEventListener('click', ({ target }) => {
  const button = target.closest('button[data-do]');
  if (button) trigger('click', { do: button.dataset.do, value: button.dataset.value });
});
