'use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const find = id => document.getElementById(id);
const canvas = find('canvas'), picture = find('overview'), context = canvas.getContext('2d');
const MARK = '#d55e00', ROWS = 50, REACH = 12;
const [ny, nx] = data.shape, outlines = data.outlines, total = outlines.x.length;
const colors = Object.fromEntries(data.classes);
const column = name => data.columns.find(one => one.name === name);
const make = (tag, text = '', kind = '') => {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
let view = {x: nx / 2 - 0.5, y: ny / 2 - 0.5, scale: 1}, wholeScale = 1, touched = false;
let chosen = null, order = {name: null, sign: 1}, kept = [], page = 0, pending = false;
const shown = new Uint8Array(total).fill(1);

// ------------------------------------------------------------------ numbers and cutouts

function print(one, row) {
  const value = one.values[row];
  if (value === null || value === '') return '';
  if (!one.form) return value;
  const [kind, digits] = one.form;
  if (kind === 'f') return value.toFixed(digits);
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(digits - 1)
    : String(Number(value.toPrecision(digits)));
}

function cutoutImage(row) {
  const image = new Image();
  image.decoding = 'async';
  image.loading = 'lazy';
  image.alt = '';
  image.src = 'data:image/png;base64,' + data.cutouts[row][4];
  return image;
}

// ------------------------------------------------------------------ the image

const toScreen = (x, y) => [(x - view.x) * view.scale + canvas.clientWidth / 2,
  (view.y - y) * view.scale + canvas.clientHeight / 2];
const toImage = (u, v) => [(u - canvas.clientWidth / 2) / view.scale + view.x,
  view.y - (v - canvas.clientHeight / 2) / view.scale];

function resize() {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * density);
  canvas.height = Math.round(canvas.clientHeight * density);
  context.setTransform(density, 0, 0, density, 0, 0);
  wholeScale = 0.97 * Math.min(canvas.clientWidth / nx, canvas.clientHeight / ny);
  if (!touched) view = {x: nx / 2 - 0.5, y: ny / 2 - 0.5, scale: wholeScale};
  redraw();
}

function redraw() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; draw(); });
}

function draw() {
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  context.clearRect(0, 0, wide, high);
  const [left, right, bottom, top] = data.extent;
  const [u, v] = toScreen(left, top), width = (right - left) * view.scale;
  context.save();
  const [u0, v0] = toScreen(-0.5, ny - 0.5);
  context.beginPath();
  context.rect(u0, v0, nx * view.scale, ny * view.scale);
  context.clip();
  context.imageSmoothingEnabled = width < picture.naturalWidth;
  context.drawImage(picture, u, v, width, (top - bottom) * view.scale);
  context.restore();
  context.strokeStyle = '#9aa7b5';
  context.lineWidth = 1;
  context.strokeRect(u0, v0, nx * view.scale, ny * view.scale);
  if (find('outlines').checked) drawOutlines(wide, high);
  if (chosen !== null) drawOutline([chosen], MARK, 3, 4);
  if (data.sky) { drawCompass(wide); drawRuler(wide, high); }
}

function drawOutlines(wide, high) {
  const groups = {};
  for (let row = 0; row < total; row++) {
    if (!shown[row] || outlines.x[row] === null) continue;
    const [u, v] = toScreen(outlines.x[row], outlines.y[row]);
    const reach = outlines.a[row] * view.scale + 4;
    if (u < -reach || v < -reach || u > wide + reach || v > high + reach) continue;
    (groups[data.class[row]] = groups[data.class[row]] || []).push(row);
  }
  for (const name of Object.keys(groups)) drawOutline(groups[name], colors[name], 1.3, 0);
}

function drawOutline(rows, color, width, margin) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.beginPath();
  for (const row of rows) {
    if (outlines.x[row] === null) continue;
    const [u, v] = toScreen(outlines.x[row], outlines.y[row]);
    const a = Math.max(outlines.a[row] * view.scale, 4) + margin;
    const b = Math.max(outlines.b[row] * view.scale, 4) + margin;
    if (outlines.theta[row] === null) {
      context.rect(u - a, v - b, 2 * a, 2 * b);
    } else {
      const angle = -outlines.theta[row] * Math.PI / 180;
      context.moveTo(u + a * Math.cos(angle), v + a * Math.sin(angle));
      context.ellipse(u, v, a, b, angle, 0, 2 * Math.PI);
    }
  }
  context.stroke();
}

function drawCompass(wide) {
  const u = wide - 50, v = 80, length = 28;
  context.strokeStyle = context.fillStyle = MARK;
  context.lineWidth = 2;
  context.font = '13px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const [name, [x, y]] of [['N', data.sky.north], ['E', data.sky.east]]) {
    context.beginPath();
    context.moveTo(u, v);
    context.lineTo(u + length * x, v - length * y);
    context.stroke();
    context.fillText(name, u + (length + 11) * x, v - (length + 11) * y);
  }
}

function drawRuler(wide, high) {
  const units = [['°', 3600], ['′', 60], ['″', 1]];
  const most = 140 * data.sky.arcsec / view.scale;
  const [name, unit] = units.find(one => most >= one[1]) || units[2];
  const power = 10 ** Math.floor(Math.log10(most / unit));
  const size = power * [5, 2, 1].find(step => step * power * unit <= most * (1 + 1e-9));
  const length = size * unit / data.sky.arcsec * view.scale, u = wide - 16, v = high - 16;
  context.strokeStyle = context.fillStyle = MARK;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(u - length, v);
  context.lineTo(u, v);
  context.stroke();
  context.textAlign = 'right';
  context.textBaseline = 'bottom';
  context.fillText(Number(size.toPrecision(3)) + name, u, v - 3);
}

function zoom(factor, u = canvas.clientWidth / 2, v = canvas.clientHeight / 2) {
  const [x, y] = toImage(u, v);
  view.scale = Math.min(Math.max(view.scale * factor, wholeScale / 2), Math.max(40, wholeScale));
  const [x1, y1] = toImage(u, v);
  move(x - x1, y - y1);
}

function move(dx, dy) {
  touched = true;
  view.x = Math.min(Math.max(view.x + dx, 0), nx);
  view.y = Math.min(Math.max(view.y + dy, 0), ny);
  redraw();
  if (find('in-view').checked) later();
}

function whole() {
  touched = false;
  resize();
  if (find('in-view').checked) later();
}

function nearest(u, v) {
  let best = null, least = Infinity;
  for (let row = 0; row < total; row++) {
    if (!shown[row] || outlines.x[row] === null) continue;
    const [u1, v1] = toScreen(outlines.x[row], outlines.y[row]);
    const distance = Math.hypot(u1 - u, v1 - v);
    const reach = Math.max(REACH, outlines.b[row] * view.scale);
    if (distance <= reach && distance < least) { least = distance; best = row; }
  }
  return best;
}

const pointers = new Map();
let spread = 0, moved = 0;
canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
  spread = 0;
  canvas.classList.add('moving');
});
canvas.addEventListener('pointermove', event => {
  const [x, y] = toImage(event.offsetX, event.offsetY);
  find('place').textContent = `x ${x.toFixed(1)}, y ${y.toFixed(1)}`;
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const [du, dv] = [event.offsetX - before[0], event.offsetY - before[1]];
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved += Math.abs(du) + Math.abs(dv);
  if (pointers.size === 2) {
    const [[u1, v1], [u2, v2]] = [...pointers.values()];
    const now = Math.hypot(u1 - u2, v1 - v2);
    if (spread) zoom(now / spread, (u1 + u2) / 2, (v1 + v2) / 2);
    spread = now;
  } else if (moved > 3) {
    move(-du / view.scale, dv / view.scale);
  }
});
function release(event) {
  if (pointers.size === 1 && moved <= 3 && event.type === 'pointerup') {
    choose(nearest(event.offsetX, event.offsetY), false);
  }
  pointers.delete(event.pointerId);
  spread = 0;
  canvas.classList.remove('moving');
}
canvas.addEventListener('pointerup', release);
canvas.addEventListener('pointercancel', release);
canvas.addEventListener('pointerleave', () => { find('place').textContent = ''; });
canvas.addEventListener('wheel', event => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
}, {passive: false});
canvas.addEventListener('keydown', event => {
  const step = 60 / view.scale;
  const keys = {'+': () => zoom(1.5), '=': () => zoom(1.5), '-': () => zoom(1 / 1.5), '0': whole,
    ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0),
    ArrowUp: () => move(0, step), ArrowDown: () => move(0, -step)};
  if (keys[event.key] && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    keys[event.key]();
  }
});
find('closer').addEventListener('click', () => zoom(1.5));
find('farther').addEventListener('click', () => zoom(1 / 1.5));
find('whole').addEventListener('click', whole);
find('outlines').addEventListener('change', redraw);
window.addEventListener('resize', resize);

// ------------------------------------------------------------------ choosing a source

function choose(row, centre) {
  chosen = row;
  if (row !== null && centre && outlines.x[row] !== null) {
    view.scale = Math.max(view.scale, Math.min(4 * wholeScale, 8));
    view.x = outlines.x[row];
    view.y = outlines.y[row];
    touched = true;
  }
  if (row !== null && !centre) {
    const place = kept.indexOf(row);
    if (place >= 0) page = Math.floor(place / ROWS);
  }
  describe();
  fill();
  redraw();
}

function describe() {
  const panel = find('chosen');
  panel.textContent = '';
  if (chosen === null) {
    panel.append(make('p', 'Click a source, in the image or in the table.', 'note'));
    return;
  }
  const name = column('name') || column('id');
  panel.append(make('h3', name ? print(name, chosen) : `Source ${chosen + 1}`));
  if (data.cutouts[chosen]) {
    const box = make('div', '', 'cutout');
    box.append(cutoutImage(chosen), outlineDrawing(chosen));
    panel.append(box);
  } else {
    panel.append(make('p', 'No cutout of this source.', 'note'));
  }
  const list = make('dl');
  for (const one of data.columns) {
    const text = print(one, chosen);
    if (one === name || !text) continue;
    const term = make('dt', one.name);
    term.title = one.title;
    list.append(term, make('dd', one.unit ? `${text} ${one.unit}` : text));
  }
  panel.append(list);
}

function outlineDrawing(row) {
  const [left, right, bottom, top] = data.cutouts[row], space = 'http://www.w3.org/2000/svg';
  const drawing = document.createElementNS(space, 'svg');
  drawing.setAttribute('viewBox', `0 0 ${right - left} ${top - bottom}`);
  const u = outlines.x[row] - left, v = top - outlines.y[row];
  const a = outlines.a[row], b = outlines.b[row], boxed = outlines.theta[row] === null;
  const shape = document.createElementNS(space, boxed ? 'rect' : 'ellipse');
  const values = boxed ? {x: u - a, y: v - b, width: 2 * a, height: 2 * b}
    : {cx: u, cy: v, rx: a, ry: b, transform: `rotate(${-outlines.theta[row]} ${u} ${v})`};
  Object.assign(values, {fill: 'none', stroke: colors[data.class[row]],
    'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke'});
  for (const [key, value] of Object.entries(values)) shape.setAttribute(key, value);
  drawing.append(shape);
  return drawing;
}

// ------------------------------------------------------------------ the table

function heads() {
  const line = make('tr');
  if (data.cutouts.some(one => one)) line.append(make('th', ''));
  for (const one of data.columns) {
    const head = make('th', '', one.form ? '' : 'words'), button = make('button', one.name);
    button.type = 'button';
    button.title = one.title;
    if (one.unit) button.append(make('small', one.unit));
    button.addEventListener('click', () => sort(one));
    head.dataset.name = one.name;
    head.append(button);
    line.append(head);
  }
  find('table').tHead.append(line);
}

function sort(one) {
  const first = one.form && !['id', 'ra', 'dec', 'x_centroid', 'y_centroid'].includes(one.name)
    ? -1 : 1;
  order = {name: one.name, sign: order.name === one.name ? -order.sign : first};
  for (const head of find('table').tHead.querySelectorAll('th')) {
    const mine = head.dataset.name === one.name;
    head.ariaSort = mine ? (order.sign > 0 ? 'ascending' : 'descending') : null;
    if (!mine) head.removeAttribute('aria-sort');
  }
  page = 0;
  filter();
}

function compare(values, sign) {
  return (i, j) => {
    const [a, b] = [values[i], values[j]];
    if (a === b) return i - j;
    if (a === null) return 1;  // nothing known comes last, whichever way the rest goes
    if (b === null) return -1;
    return a < b ? -sign : sign;
  };
}

function filter() {
  const words = find('text').value.toLowerCase().split(/\s+/).filter(Boolean);
  const names = data.columns.filter(one => !one.form);
  const off = new Set([...find('classes').querySelectorAll('input')].filter(one => !one.checked)
    .map(one => one.value));
  const snr = column('snr'), score = column('score');
  const leastSnr = parseFloat(find('least-snr').value), leastScore = parseFloat(
    find('least-score').value);
  const inView = find('in-view').checked;
  kept = [];
  for (let row = 0; row < total; row++) {
    const all = words.length ? names.map(one => one.values[row]).join(' ').toLowerCase() : '';
    const passes = !off.has(data.class[row]) && words.every(word => all.includes(word))
      && !(snr && snr.values[row] < leastSnr) && !(score && score.values[row] < leastScore);
    shown[row] = passes ? 1 : 0;
    if (passes && (!inView || isInView(row))) kept.push(row);
  }
  const by = order.name && column(order.name);
  if (by) kept.sort(compare(by.values, order.sign));
  page = Math.min(page, Math.max(0, Math.ceil(kept.length / ROWS) - 1));
  fill();
  redraw();
}

function isInView(row) {
  if (outlines.x[row] === null) return false;
  const [u, v] = toScreen(outlines.x[row], outlines.y[row]);
  return u >= 0 && v >= 0 && u <= canvas.clientWidth && v <= canvas.clientHeight;
}

let waiting = 0;
function later() {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 120);
}

function fill() {
  const body = find('table').tBodies[0], pages = Math.max(1, Math.ceil(kept.length / ROWS));
  const pictures = data.cutouts.some(one => one);
  body.textContent = '';
  for (const row of kept.slice(page * ROWS, (page + 1) * ROWS)) {
    const line = make('tr', '', row === chosen ? 'chosen' : '');
    line.tabIndex = 0;
    if (pictures) {
      const cell = make('td');
      if (data.cutouts[row]) cell.append(cutoutImage(row));
      line.append(cell);
    }
    for (const one of data.columns) line.append(make('td', print(one, row), one.form ? ''
      : 'words'));
    line.addEventListener('click', () => choose(row, true));
    line.addEventListener('keydown', event => { if (event.key === 'Enter') choose(row, true); });
    body.append(line);
  }
  find('count').textContent = kept.length === total ? `${total} sources`
    : `${kept.length} of ${total} sources`;
  find('page').textContent = `${page + 1} / ${pages}`;
  find('back').disabled = page === 0;
  find('on').disabled = page >= pages - 1;
}

function turn(step) {
  page += step;
  fill();
}

function classBoxes() {
  for (const [name, color] of data.classes) {
    const label = make('label'), box = make('input'), swatch = make('span', '', 'swatch');
    const number = data.class.filter(one => one === name).length;
    Object.assign(box, {type: 'checkbox', value: name, checked: true, defaultChecked: true});
    swatch.style.background = color;
    label.append(box, swatch, `${name} (${number})`);
    find('classes').append(label);
  }
}

find('back').addEventListener('click', () => turn(-1));
find('on').addEventListener('click', () => turn(1));
find('filter').addEventListener('input', () => { page = 0; filter(); });
find('filter').addEventListener('reset', () => setTimeout(filter));
find('filter').addEventListener('submit', event => event.preventDefault());

classBoxes();
heads();
document.body.classList.add('scripted');
filter();
resize();
picture.decode().then(resize, resize);
})();
