// Files on their way to the upload. Folders that are dropped are opened here: browsers hand over
// their names alone. Files that are too large are left out and named, for Gradio would refuse all
// that were chosen with them. Gradio gives `trigger`; LARGEST (bytes) stands above this.
const MOST = 2000; // files

async function files(entry) {
  if (entry.isFile) {
    return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length || found.length > MOST) return found;
    for (const each of some) {
      if (!each.name.startsWith('.')) found.push(...await files(each));
    }
  }
}

function give(input, chosen) {
  const large = chosen.filter((file) => file.size > LARGEST);
  const given = new DataTransfer();
  for (const file of chosen) if (file.size <= LARGEST) given.items.add(file);
  input.files = given.files;
  if (large.length) {
    const names = large.slice(0, 20).map((file) => file.name).join('\n');
    trigger('click', { do: 'large', source: names, value: String(large.length) });
  }
  if (given.files.length) input.dispatchEvent(new Event('change', { bubbles: true }));
}

document.addEventListener('drop', async (event) => {
  const input = event.target.closest?.('#upload')?.querySelector('input[type=file]');
  const items = [...event.dataTransfer?.items ?? []].filter((item) => item.kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!input || !entries.length) return;
  event.preventDefault();
  event.stopPropagation();
  const chosen = [];
  for (const entry of entries) chosen.push(...await files(entry));
  give(input, chosen);
}, true);

document.addEventListener('change', (event) => {
  const input = event.target;
  if (!input.matches?.('#upload input[type=file], #upload-folder input[type=file]')) return;
  const chosen = [...input.files];
  if (!chosen.some((file) => file.size > LARGEST)) return;
  event.stopImmediatePropagation();
  give(input, chosen);
}, true);
