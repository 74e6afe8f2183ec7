// A document's chunks are brought into view when they are opened or turned, for they stand below the
// table. Gradio gives `element` and `watch`.
watch('value', () => {
  const shown = element.querySelector('.chunks');
  if (shown) shown.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
});
