// Two images side by side. Their data come as scripts of this site, which a page of file:// may load; nothing is fetched, and
// every word goes into the page as text.
'use strict';

const ROWS_MAX = 2000;
const images = new Map();  // sha256 -> [role, label]
const loaded = new Map();  // sha256 -> its data
const at = id => document.getElementById(id);

// Called by images.js and by image/<sha256>.js.
function rootbrewImages(list) {
  for (const [sha256, role, label] of list) images.set(sha256, [role, label]);
  start();
}
function rootbrewImage(image) {
  if (images.has(image.sha256)) loaded.set(image.sha256, image);
}

function start() {
  for (const select of [at('old'), at('new')]) {
    let group = null;
    for (const [sha256, [role, label]] of images) {
      if (!group || group.label !== role) {
        group = make('optgroup');
        group.label = role;
        select.append(group);
      }
      const option = make('option', `${role}  ${label}`);
      option.value = sha256;
      group.append(option);
    }
    select.addEventListener('change', () => go(at('old').value, at('new').value));
  }
  at('swap').addEventListener('click', () => go(at('new').value, at('old').value));
  at('choice').hidden = images.size < 2;
  at('said').textContent = images.size < 2 ? 'There are not two images yet.' : 'Choose two images.';
  addEventListener('hashchange', show);
  show();
}

const go = (old, now) => { location.hash = `${old}..${now}`; };

function show() {
  const chosen = location.hash.slice(1).split('..');
  if (chosen.length !== 2) return;
  if (!chosen.every(sha256 => images.has(sha256))) {
    at('result').replaceChildren();
    at('said').textContent = 'One of these two images is not in this channel any more.';
    return;
  }
  [at('old').value, at('new').value] = chosen;
  at('said').textContent = 'Loading…';
  Promise.all(chosen.map(load)).then(([old, now]) => compared(old, now), () => {
    at('said').textContent = 'The data of one of them cannot be loaded.';
  });
}

function load(sha256) {
  if (loaded.has(sha256)) return Promise.resolve(loaded.get(sha256));
  return new Promise((done, failed) => {
    const script = make('script');
    script.src = `image/${sha256}.js`;
    script.onload = () => (loaded.has(sha256) ? done(loaded.get(sha256)) : failed());
    script.onerror = failed;
    document.head.append(script);
  });
}

function compared(old, now) {
  // Another choice was made while these were on their way.
  if (location.hash !== `#${old.sha256}..${now.sha256}`) return;
  const paths = changes(old, now), packages = moved(old, now);
  const bytesMoved = paths.reduce((sum, change) => sum + change.now - change.old, 0);
  const said = paths.length || packages.length
    ? `${count(packages, 'package')} and ${count(paths, 'path')} differ, ${more(bytesMoved)} in files.`
    : 'Their packages and files are the same.';
  at('said').textContent = old.kernel === now.kernel ? said : `${said} The kernel is another one.`;
  at('result').replaceChildren(
    table('Figures', ['', ...[old, now].map(image => `${image.role} ${image.sha256.slice(0, 12)}`), 'More'], figures(old, now), [1, 2, 3]),
    ...(packages.length ? [table('Packages', ['Package', 'Before', 'Now'], packages, [])] : []),
    ...(paths.length ? [table('Paths', ['Path', 'What', 'Before', 'Now', 'More', 'How'], paths.slice(0, ROWS_MAX).map(row), [2, 3, 4])] : []),
    ...(paths.length > ROWS_MAX ? [make('p', `${paths.length - ROWS_MAX} more are not shown.`)] : []));
}

const count = (list, word) => `${list.length} ${word}${list.length === 1 ? '' : 's'}`;

function figures(old, now) {
  const one = (name, key, said) => {
    const [a, b] = [old[key], now[key]];
    const known = value => (value === null ? 'not measured' : said(value));
    return [name, known(a), known(b), a === null || b === null ? '' : a === b ? '=' : sign(b - a) + said(Math.abs(b - a))];
  };
  const isKnown = ([, a, b]) => a !== b || a !== 'not measured';
  const seconds = ms => `${(ms / 1000).toFixed(2)} s`;
  return [
    one('Root', 'root_bytes', bytes), one('On the wire', 'wire_bytes', bytes), one('Kernel', 'kernel_bytes', bytes),
    one('From kernel start to ready', 'ready_ms', seconds), one('RAM when ready', 'ram_bytes', bytes),
  ].filter(isKnown);
}

// As assembler::diff: a folder counts where it is empty, or its own mode or owner is other.
function changes(old, now) {
  const nodes = image => new Map(image.files.map(file => [file[0], file]));
  const holders = image => new Set(image.files.map(([path]) => path.slice(0, path.lastIndexOf('/')) || '/'));
  const [was, is] = [nodes(old), nodes(now)];
  const found = [];
  const alone = (nodes, others, holding, what) => {
    for (const [path, [, , , size]] of nodes) {
      if (!others.has(path) && !holding.has(path)) {
        found.push({ path, what, old: what === 'removed' ? size : 0, now: what === 'added' ? size : 0, how: '' });
      }
    }
  };
  alone(was, is, holders(old), 'removed');
  alone(is, was, holders(now), 'added');
  for (const [path, a] of was) {
    const b = is.get(path);
    const how = b ? differs(a, b) : '';
    if (how) found.push({ path, what: 'changed', old: a[3], now: b[3], how });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function differs([, kind, mode, , what], [, nowKind, nowMode, , nowWhat]) {
  const how = [];
  if (kind !== nowKind) how.push(`${kind} → ${nowKind}`);
  else if (what !== nowWhat) how.push(kind === 'link' ? `target ${what} → ${nowWhat}` : 'content');
  if (mode !== nowMode) how.push(`mode, owner ${mode} → ${nowMode}`);
  return how.join(', ');
}

function row({ path, what, old, now, how }) {
  const size = [what === 'added' ? '' : bytes(old), what === 'removed' ? '' : bytes(now)];
  return [path, what, ...size, old === now ? '=' : more(now - old), how];
}

function moved(old, now) {
  const versions = image => {
    const all = new Map();
    for (const [kind, name, version] of image.parts) {
      const key = JSON.stringify([kind, name]);
      all.set(key, [...(all.get(key) || []), version]);
    }
    return all;
  };
  const [was, is] = [versions(old), versions(now)];
  const said = list => (list || []).slice().sort().join(', ');
  return [...new Set([...was.keys(), ...is.keys()])].sort()
    .map(key => [JSON.parse(key)[1], said(was.get(key)), said(is.get(key))])
    .filter(([, before, after]) => before !== after);
}

function table(caption, heads, rows, numbers) {
  const cell = (tag, text, column, scope) => {
    // A path is code.
    const made = make(tag, text.startsWith('/') ? '' : text);
    if (text.startsWith('/')) made.append(make('code', text));
    if (scope) made.scope = scope;
    if (numbers.includes(column)) made.className = 'n';
    return made;
  };
  const line = (texts, tags) => {
    const made = make('tr');
    made.append(...texts.map((text, column) => cell(tags(column), text, column, tags(column) === 'th' && (tags(1) === 'th' ? 'col' : 'row'))));
    return made;
  };
  const [all, head, body, wide] = [make('table'), make('thead'), make('tbody'), make('div')];
  head.append(line(heads, () => 'th'));
  body.append(...rows.map(texts => line(texts, column => (column ? 'td' : 'th'))));
  all.append(make('caption', caption), head, body);
  all.id = caption.toLowerCase();
  // A corner without a word heads nothing.
  if (!heads[0]) head.firstChild.firstChild.replaceWith(make('td'));
  wide.append(all);
  Object.assign(wide, { className: 'wide', tabIndex: 0 });
  wide.setAttribute('role', 'region');
  wide.setAttribute('aria-label', `Table: ${caption}`);
  return wide;
}

function make(tag, text) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  return made;
}

function bytes(count) {
  if (count < 1e3) return `${count} B`;
  const [unit, size, digits] = count < 1e6 ? ['kB', 1e3, 1] : count < 1e9 ? ['MB', 1e6, 2] : ['GB', 1e9, 2];
  return `${(count / size).toFixed(digits)} ${unit}`;
}
const sign = count => (count < 0 ? '−' : '+');
const more = count => sign(count) + bytes(Math.abs(count));
