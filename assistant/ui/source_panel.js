// The panel beside the chat, in which a citation is opened; goes on where chat.js ends, and uses its
// card. A frame shows the source's own page: access is checked there, and no script runs in it.
{
  const LINK = '#chat a[href^="/source/"], #cite-card a[href^="/source/"]:not(.open)';
  const BESIDE = matchMedia('(min-width: 1024px)');
  const REST = '#chat-page, #head, #show-side';
  const panel = () => element.querySelector('.source-panel');
  const part = (selector) => panel().querySelector(selector);
  let passages = []; // the citations of one answer, in its order
  let place = 0; // which of them is shown
  let opener = null; // the link that was followed
  let talk = ''; // the conversation that they are of
  const isOpen = () => Boolean(panel()) && !panel().hidden;

  function passagesOf(link) {
    const row = link.closest('.bot-row');
    const links = [...(row?.querySelectorAll('.message-content a[href^="/source/"]:not(.title)') ?? [])];
    const found = links.filter((one, n) => links.findIndex((each) => each.href === one.href) === n);
    return found.some((one) => one.href === link.href) ? found : [...found, link];
  }

  function open(link) {
    const from = link.closest('#cite-card') && cited ? cited : link;
    opener = from;
    passages = passagesOf(from);
    place = passages.findIndex((one) => one.href === from.href);
    talk = current;
    hideCard();
    if (!isOpen()) {
      if (!history.state?.source) history.pushState({ ...history.state, source: true }, '');
      keepingPlace(from, () => arrange(true));
    }
    show();
    part('h2').focus({ preventScroll: true });
  }

  function show() {
    const link = passages[place];
    const row = link.matches('.title') ? link.closest('li') : sourceOf(link);
    const title = row?.querySelector('.names').firstElementChild.textContent ?? link.textContent;
    const where = row?.querySelector('.where')?.textContent ?? '';
    part('h2').textContent = part('h2').title = title;
    part('.where').textContent = where === title ? '' : where;
    part('.n').textContent = row?.querySelector('.n').textContent ?? '';
    part('.tab').href = link.href;
    const many = passages.length > 1;
    const said = panel().dataset.of.replace('{n}', place + 1).replace('{total}', passages.length);
    part('.of').textContent = many ? said : '';
    part('.previous').hidden = part('.next').hidden = !many;
    part('.previous').disabled = place === 0;
    part('.next').disabled = place === passages.length - 1;
    mark(link);
    load(link, title);
  }

  function mark(link) {
    for (const one of document.querySelectorAll('#chat a.opened')) one.classList.remove('opened');
    link?.classList.add('opened');
  }

  function load(link, title) {
    const address = new URL(link.href);
    const chunk = /^#chunk-(\d+)$/.exec(address.hash)?.[1];
    if (chunk && !address.searchParams.has('at')) address.searchParams.set('at', chunk);
    address.searchParams.set('view', 'panel');
    address.hash = 'here';
    // A frame of its own each time: a change of its address would be a step of the history.
    const frame = document.createElement('iframe');
    frame.title = title;
    frame.src = address.href;
    frame.addEventListener('load', () => loaded(frame));
    state('loading');
    part('.stage').replaceChildren(frame);
  }

  function state(name) {
    panel().dataset.state = name;
    part('.loading').hidden = name !== 'loading';
    part('.ended').hidden = name !== 'ended';
    part('.failed').hidden = name !== 'failed';
  }

  const pageIn = (frame) => {
    try {
      return frame.contentDocument;
    } catch {
      return null; // the browser's own page of an error, or one that can't be framed
    }
  };

  async function loaded(frame) {
    const page = pageIn(frame);
    if (page?.documentElement.classList.contains('panel')) {
      paint(page);
      page.addEventListener('keydown', onKey);
      page.addEventListener('click', (event) => stay(event, frame));
      state('ready');
      return;
    }
    const answer = await fetch('/head', { headers: { accept: 'application/json' } }).catch(() => null);
    if (!frame.isConnected) return;
    part('.login').href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    state(answer?.status === 401 ? 'ended' : 'failed');
    frame.remove();
  }

  function stay(event, frame) {
    const link = event.target.closest?.('a[href^="/source/"]:not([target])');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    frame.contentWindow.location.replace(link.href);
  }

  function paint(page) {
    const { theme } = document.documentElement.dataset;
    if (theme) page.documentElement.dataset.theme = theme;
  }

  new MutationObserver(() => {
    const page = isOpen() && part('iframe') && pageIn(part('iframe'));
    if (page) paint(page);
  }).observe(document.documentElement, { attributeFilter: ['data-theme'] });

  // Beside the chat, or over all of it

  function arrange(isShown) {
    const isSheet = isShown && !BESIDE.matches;
    panel().hidden = !isShown;
    panel().classList.toggle('sheet', isSheet);
    document.querySelector('#chat-page').classList.toggle('beside', isShown && !isSheet);
    document.querySelector('#chat-tools').classList.toggle('sheet', isSheet);
    for (const other of document.querySelectorAll(REST)) other.inert = isSheet;
    for (const [name, value] of Object.entries({ role: 'dialog', 'aria-modal': 'true' })) {
      if (isSheet) panel().setAttribute(name, value);
      else panel().removeAttribute(name);
    }
  }

  function keepingPlace(link, change) {
    const before = link?.isConnected ? link.getBoundingClientRect().top : 0;
    change();
    const box = document.querySelector('#chat .panel-wrap');
    const settle = () => {
      if (box && link?.isConnected) box.scrollTop += link.getBoundingClientRect().top - before;
    };
    settle();
    requestAnimationFrame(() => requestAnimationFrame(settle)); // what browser and chat do of their own accord
  }

  BESIDE.addEventListener('change', () => {
    if (isOpen()) arrange(true);
  });

  function close() {
    if (history.state?.source) history.back(); // which hides it
    else hide();
  }

  function hide() {
    const { href } = passages[place];
    const links = [opener, passages[place], ...document.querySelectorAll(LINK)];
    const back = links.find((one) => one.isConnected && one.href === href);
    keepingPlace(back, () => arrange(false));
    part('.stage').replaceChildren();
    mark(null);
    if (!back) {
      composer()?.focus({ preventScroll: true });
      return;
    }
    back.classList.add('returning'); // its card would be in the way
    back.focus({ preventScroll: true });
    back.classList.remove('returning');
  }

  addEventListener('popstate', ({ state: told }) => {
    if (isOpen() && !told?.source) hide();
    // A conversation was opened while the panel was: the step back leads to the one before.
    if (conversation() !== current) location.reload();
  });

  addEventListener('conversation', () => {
    if (isOpen() && talk && talk !== current) hide();
  });

  function onKey(event) {
    if (event.key !== 'Escape' || event.shiftKey || event.isComposing || !isOpen()) return;
    const isElsewhere = isTyping(event.target) || help().open || !card().hidden
      || document.querySelector('#side.open, .talk-menu[open], #head details[open]');
    if (isElsewhere) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  }

  document.addEventListener('keydown', onKey, true);

  document.addEventListener('click', (event) => {
    const link = event.target.closest?.(LINK);
    if (!link || !panel() || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    rests = { x: event.clientX, y: event.clientY };
    open(link);
  }, true);

  // The chat makes room, and another citation may come to lie under a pointer that rests: no card.
  let rests = null;
  document.addEventListener('pointerover', (event) => {
    const isAtRest = rests && Math.hypot(rests.x - event.clientX, rests.y - event.clientY) < 3;
    if (isAtRest) event.stopPropagation();
    else rests = null;
  }, true);

  element.addEventListener('click', ({ target: node }) => {
    const button = node.closest?.('.source-panel button');
    if (!button) return;
    if (button.matches('.close')) close();
    else if (button.matches('.again')) show();
    else {
      place += button.matches('.next') ? 1 : -1;
      show();
      passages[place].scrollIntoView({ block: 'nearest' });
      if (button.disabled) part('h2').focus({ preventScroll: true });
    }
  });
}
