'use strict';
// What pages are drawn with. All text of the data reaches the page as text nodes, never as HTML.
const data = JSON.parse(document.getElementById('data').textContent);
const page = document.getElementById('page');

function make(namespace, tag, attributes, children) {
  const node = namespace ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const name in attributes) if (attributes[name] != null) node.setAttribute(name, attributes[name]);
  node.append(...children.flat().filter(child => child != null));
  return node;
}
const el = (tag, attributes, ...children) => make(false, tag, attributes, children);
const svg = (tag, attributes, ...children) => make(true, tag, attributes, children);

// Numbers: "nan", "inf" and "-inf" are texts in the data.
const number = value => typeof value == 'number' ? value : value == 'inf' ? Infinity : value == '-inf' ? -Infinity : NaN;
function show(value) {
  if (typeof value == 'string') return value;
  if (value == null || !isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e3 || Number.isInteger(value)) return size >= 1e9 ? value.toExponential(2) : Math.round(value).toLocaleString('en');
  if (size && size < 1e-3) return value.toExponential(1);
  return value.toFixed(size < 1 ? 4 : size < 10 ? 3 : size < 100 ? 2 : 1);
}
const percent = share => (100 * share).toFixed(share < .0995 || share > .995 && share < .9995 ? 1 : 0) + ' %';
function duration(seconds) {
  if (seconds < 1) return Math.round(1000 * seconds) + ' ms';
  if (seconds < 60) return seconds.toFixed(1) + ' s';
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes + ' min ' + Math.floor(seconds % 60) + ' s';
  return Math.floor(minutes / 60) + ' h ' + minutes % 60 + ' min';
}

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const raw = (high - low) / count || 1, unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find(factor => unit * factor >= raw * .999);
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) list.push(+(i * step).toPrecision(12));
  return list;
}
function logTicks(low, high) {
  const list = [];
  for (let power = Math.ceil(low); power <= high; power += Math.ceil((high - low) / 5) || 1) list.push(power);
  return list.length > 1 ? list : ticks(low, high, 3);
}
function tickText(value) {
  const size = Math.abs(value);
  if (size && size < 1e-3 || size >= 1e9) return value.toExponential(0);
  return size >= 1e6 ? +(value / 1e6).toPrecision(3) + 'M' : size >= 1e4 ? +(value / 1e3).toPrecision(3) + 'k' : String(+value.toPrecision(3));
}

const charts = [];  // those whose x are epochs share one cursor

// A chart of curves. Options: title; series: [{name, colour, dashed, points: [[x, y]]}]; log, logX: scales; canLog: a button
// for the scale; marks: [[x, text]]; region: from this x on something went wrong; height; x: the name of x.
function chart(options) {
  const {title, series, marks = [], region, height = 190, x: xName = 'epoch', logX} = options;
  let log = options.log;
  const values = series.map(one => el('b', {}, ''));
  const at = el('span', {class: 'at'}, '');
  const button = options.canLog && el('button', {type: 'button', 'aria-pressed': !!log, title: 'logarithmic scale'}, 'log');
  const picture = svg('svg', {role: 'img', 'aria-label': title + ' over ' + xName, height});
  const figure = el('figure', {class: 'chart card ' + (options.class || '')},
    el('header', {}, el('h3', {}, title),
      series.map((one, i) => el('span', {class: 'key', style: `--colour: var(--${one.colour})`},
        el('i', {class: one.dashed && 'dashed'}), one.name, values[i])), at, button || null), picture);
  const scaleX = value => logX ? Math.log10(value) : value;
  let shown = null, toX, toY, width = 0;
  const usable = (x, y) => isFinite(x) && isFinite(y) && (!log || y > 0) && (!logX || x > 0);

  function draw() {
    width = Math.max(160, picture.clientWidth || figure.clientWidth - 38);
    const scaleY = value => log ? Math.log10(value) : value;
    const all = series.flatMap(one => one.points.filter(([x, y]) => usable(x, y)));
    const xs = all.map(point => scaleX(point[0])), ys = all.map(point => scaleY(point[1]));
    const range = list => list.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    let [x0, x1] = all.length ? range(xs) : [0, 1], [y0, y1] = all.length ? range(ys) : [0, 1];
    if (x0 == x1) { x0 -= .5; x1 += .5; }
    if (y0 == y1) { const room = Math.abs(y0) * .1 || .1; y0 -= room; y1 += room; }
    if (!log && y0 > 0 && y0 < .35 * y1) y0 = 0;
    const room = (y1 - y0) * .06;
    y1 += room;
    if (y0) y0 -= room;
    const left = 44, right = width - 6, top = 6, bottom = height - 22;
    toX = value => left + (scaleX(value) - x0) / (x1 - x0) * (right - left);
    toY = value => bottom - (scaleY(value) - y0) / (y1 - y0) * (bottom - top);
    const raise = log ? value => 10 ** value : value => value;
    picture.replaceChildren();
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    if (region != null && region <= x1) {
      const from = Math.max(left, toX(region));
      picture.append(svg('rect', {class: 'region', x: from, y: top, width: right - from, height: bottom - top}));
    }
    for (const value of log ? logTicks(y0, y1) : ticks(y0, y1, 4)) {
      const y = toY(raise(value));
      picture.append(svg('line', {class: 'rule', x1: left, x2: right, y1: y, y2: y}),
        svg('text', {x: left - 8, y: y + 4, 'text-anchor': 'end'}, tickText(raise(value))));
    }
    const steps = logX ? logTicks(x0, x1) : ticks(x0, x1, Math.max(2, width / 90)).filter(Number.isInteger);
    for (const value of steps) {
      const x = toX(logX ? 10 ** value : value);
      picture.append(svg('text', {x, y: height - 5, 'text-anchor': x > right - 12 ? 'end' : 'middle'}, tickText(logX ? 10 ** value : value)));
    }
    for (const [value, text] of marks) {
      const x = toX(value), late = x > right - 90;
      if (!(x >= left && x <= right)) continue;
      picture.append(svg('line', {class: 'mark', x1: x, x2: x, y1: top, y2: bottom}),
        svg('text', {x: x + (late ? -5 : 5), y: top + 9, 'text-anchor': late ? 'end' : 'start'}, text));
    }
    for (const one of series) {
      let path = '', pen = 'M';
      for (const [x, y] of one.points) {
        if (usable(x, y)) path += pen + toX(x).toFixed(1) + ' ' + toY(y).toFixed(1);
        pen = usable(x, y) ? 'L' : 'M';
      }
      const style = `--colour: var(--${one.colour})`;
      picture.append(svg('path', {class: 'curve' + (one.dashed ? ' dashed' : ''), style, d: path, 'data-series': one.name}));
      if (one.points.length == 1 && path) picture.append(svg('circle', {class: 'dot', style, r: 5, cx: toX(one.points[0][0]), cy: toY(one.points[0][1])}));
    }
    cursor(shown);
  }

  // Shows the values at x, or the last ones.
  function cursor(x) {
    shown = x;
    for (const node of picture.querySelectorAll('.cursor, .dot.at')) node.remove();
    if (x != null && toX) picture.append(svg('line', {class: 'cursor', x1: toX(x), x2: toX(x), y1: 6, y2: height - 22}));
    series.forEach((one, i) => {
      const point = x == null ? one.points[one.points.length - 1] : one.points.find(point => point[0] == x);
      values[i].textContent = point ? show(point[1]) : '';
      if (x != null && point && toX && usable(...point))
        picture.append(svg('circle', {class: 'dot at', style: `--colour: var(--${one.colour})`, r: 4.5, cx: toX(x), cy: toY(point[1])}));
    });
    at.textContent = x == null ? '' : xName + ' ' + show(x);
  }

  const mine = {cursor: cursor, x: xName};
  const move = x => { for (const other of charts) if (other.x == xName && (xName == 'epoch' || other == mine)) other.cursor(x); };
  charts.push(mine);
  const places = [...new Set(series.flatMap(one => one.points.map(point => point[0])))].sort((a, b) => a - b);
  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect(), x = (event.clientX - box.left) * width / box.width;
    let best = null;
    for (const place of places) if (best == null || Math.abs(toX(place) - x) < Math.abs(toX(best) - x)) best = place;
    move(best);
  });
  picture.addEventListener('pointerleave', () => move(null));
  if (button) button.addEventListener('click', () => {
    log = !log;
    button.setAttribute('aria-pressed', log);
    draw();
  });
  new ResizeObserver(() => { if (picture.clientWidth != width) draw(); }).observe(picture);
  figure.draw = draw;
  return figure;
}

// A curve as small as a word, with its last value.
function spark(name, values, {log = false, colour = 'training'} = {}) {
  const usable = values.map(value => log && !(value > 0) || !isFinite(value) ? NaN : log ? Math.log10(value) : value);
  const known = usable.filter(isFinite), low = Math.min(...known), high = Math.max(...known);
  let path = '', pen = 'M';
  usable.forEach((value, i) => {
    if (isFinite(value)) path += `${pen}${(usable.length > 1 ? i / (usable.length - 1) * 100 : 50).toFixed(1)} ${(high > low ? 23 - (value - low) / (high - low) * 20 : 13).toFixed(1)}`;
    pen = isFinite(value) ? 'L' : 'M';
  });
  const last = el('span', {}, show(values[values.length - 1]));
  const picture = svg('svg', {viewBox: '0 0 100 26', preserveAspectRatio: 'none', role: 'img', 'aria-label': name},
    svg('path', {class: 'curve', d: path, 'vector-effect': 'non-scaling-stroke', style: `--colour: var(--${colour}); stroke-width: 1.5`}));
  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect();
    const i = Math.max(0, Math.min(values.length - 1, Math.round((event.clientX - box.left) / box.width * (values.length - 1))));
    last.textContent = show(values[i]);
    picture.setAttribute('aria-label', `${name}, epoch ${i + 1}`);
  });
  picture.addEventListener('pointerleave', () => { last.textContent = show(values[values.length - 1]); });
  return el('div', {class: 'spark', 'data-name': name}, picture, last);
}

function section(title, note, ...content) {
  page.append(el('section', {}, el('h2', {}, title, note ? el('small', {}, note) : null), ...content));
}
const figures = list => el('div', {class: 'figures'}, list.map(([value, name]) => el('div', {}, el('b', {}, value), el('span', {}, name))));
const bar = (share, colour) => el('div', {class: 'bar', style: `--colour: var(--${colour})`}, el('i', {style: `width: ${100 * Math.min(1, share)}%`}));

// Rows of texts and numbers; the first is the head.
function table(rows, className) {
  const cell = (tag, value) => el(tag, {class: typeof value == 'number' ? 'number' : null}, value instanceof Node ? value : show(value));
  return el('div', {class: 'scroll'}, el('table', {class: className},
    el('thead', {}, el('tr', {}, rows[0].map((value, i) => el('th', {class: rows[1] && typeof rows[1][i] == 'number' ? 'number' : null}, value)))),
    el('tbody', {}, rows.slice(1).map(row => el('tr', {}, row.map(value => cell('td', value)))))));
}
const hidden = (title, content) => el('details', {}, el('summary', {}, title), el('div', {class: 'card'}, content));
const drawAll = () => { for (const figure of document.querySelectorAll('.chart')) if (figure.draw) figure.draw(); };
