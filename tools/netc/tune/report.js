// tune.html: what a study found. Uses what charts.js defines.
const trials = data.trials, dimensions = data.dimensions, word = name => name.replace(/^val_/, 'validation ').replaceAll('_', ' ');
const good = trials.filter(trial => trial.figure != null && trial.state != 'failed');
const best = trials.find(trial => trial.trial == data.best), first = data.has_file ? trials[0] : null;
const better = (a, b) => data.higher ? a > b : a < b;
const objective = (data.higher ? 'greatest ' : 'least ') + word(data.figure);
const text = value => typeof value == 'number' ? valueText(value) : value == null ? '–' : String(value);
const valueText = value => Number.isInteger(value) ? String(value) : String(+value.toPrecision(5));

// The place of a trial among all, 0 the worst, 1 the best: what lines and points are coloured by.
const ranks = new Map([...good].sort((a, b) => better(a.figure, b.figure) ? 1 : -1).map((trial, i, all) => [trial.trial, all.length > 1 ? i / (all.length - 1) : 1]));
const colour = trial => trial == best ? 'var(--validation)' : `color-mix(in srgb, var(--training) ${Math.round(12 + 88 * (ranks.get(trial.trial) ?? 0) ** 2)}%, var(--line))`;
const valuesText = trial => dimensions.filter(one => one.name in trial.values).map(one => `${one.name} ${text(trial.values[one.name])}`).join(', ');
const told = () => el('p', {class: 'told'}, '');
const describe = trial => `trial ${trial.trial}: ${word(data.figure)} ${show(trial.figure)}, ${trial.epochs} epochs; ${valuesText(trial)}`;

// All that stands for a trial anywhere lights up together.
const lit = [];
function light(trial, place) {
  for (const one of lit) one(trial);
  for (const node of document.querySelectorAll('.told')) node.textContent = '';
  if (trial && place) place.textContent = describe(trial);
}

// From a value to [0, 1], and the marks of an axis.
function scaleOf(dimension) {
  if (dimension.choices) {
    const count = dimension.choices.length;
    return {at: value => (dimension.choices.indexOf(value) + .5) / count, marks: dimension.choices.map(value => [value, text(value)])};
  }
  const way = dimension.log ? Math.log10 : value => value, low = way(dimension.low), high = way(dimension.high);
  const raise = dimension.log ? value => 10 ** value : value => value;
  const marks = dimension.log ? logTicks(low, high) : ticks(low, high, 4);
  return {at: value => high > low ? (way(value) - low) / (high - low) : .5, marks: marks.map(value => [raise(value), tickText(raise(value))])};
}
// Of the objective; logarithmic when that tells the good ones apart.
function objectiveScale() {
  const known = good.map(trial => trial.figure).sort((a, b) => a - b), log = known[0] > 0 && known[known.length - 1] > 20 * known[0];
  const way = log ? Math.log10 : value => value, raise = log ? value => 10 ** value : value => value;
  const low = way(known[0]), high = way(known[known.length - 1]), room = (high - low) * .05 || Math.abs(high) * .05 || 1;
  const marks = (log ? logTicks(low, high) : ticks(low, high, 4)).map(value => [raise(value), tickText(raise(value))]);
  return {at: value => (way(value) - low + room) / (high - low + 2 * room), marks};
}

function head() {
  const failed = trials.filter(trial => trial.state == 'failed').length;
  const count = (data.complete ? '' : trials.length + ' of ') + data.total + ' trials' + (failed ? `, ${failed} failed` : '');
  const state = [data.complete ? 'good' : 'warning', count];
  page.append(el('div', {class: 'head'},
    el('div', {}, el('p', {class: 'over'}, data.study), el('h1', {}, data.program + ': search')),
    el('span', {class: 'pill', style: `--colour: var(--${state[0]})`}, el('i'), state[1])));
  const sample = data.sample < 1 ? `, on ${percent(data.sample)} of the training data` : '';
  page.append(el('p', {class: 'soft'}, `${data.method}, seed ${data.seed}: the ${objective} of up to ${data.epochs} epochs${sample}`));
  const list = [];
  if (best) list.push([show(best.figure), word(data.figure) + ', best']);
  if (first && first != best) list.push([show(first.figure), word(data.figure) + ', the file as it stands']);
  for (const test of data.tests)
    for (const [name, value] of test.figures)
      if (name != 'penalty') list.push([show(value), `test ${word(name)}, ` + (test.trial == data.best ? 'best' : 'the file')]);
  const epochs = trials.reduce((sum, trial) => sum + trial.epochs, 0);
  list.push([duration(trials.reduce((sum, trial) => sum + trial.seconds, 0)), `training time, ${epochs} epochs`]);
  page.append(figures(list));
}

function values() {
  if (!best) return;
  const rows = dimensions.map(one => {
    const space = one.choices ? one.choices.map(text).join(', ') : `${tickText(one.low)} … ${tickText(one.high)}${one.log ? ', log' : ''}${one.whole ? ', whole' : ''}`;
    return [el('code', {}, one.name), el('b', {}, text(best.values[one.name])), el('span', {}, text(one.file)), el('span', {class: 'soft'}, space)];
  });
  const important = dimensions.some(one => one.importance != null);
  const order = [...dimensions].sort((a, b) => b.importance - a.importance);
  const rest = Math.max(0, 1 - dimensions.reduce((sum, one) => sum + (one.importance || 0), 0));
  const line = (name, share, tint) => el('div', {}, el('span', {}, name), bar(share, tint), el('span', {}, percent(share)));
  section('The best values', 'trial ' + best.trial + '; best.net has them', el('div', {class: 'grid top'},
    el('div', {class: 'card'}, table([['param', 'best', 'file', 'space'], ...rows])),
    important ? el('figure', {class: 'card'}, el('h3', {}, 'What mattered'),
      el('p', {class: 'soft', style: 'margin: 2px 0 14px; font-size: 13px'}, `share of the variance of ${word(data.figure)} that a param explains alone`),
      el('div', {class: 'pairs'}, order.map(one => line(el('code', {}, one.name), one.importance, 'training')), line(el('span', {class: 'soft'}, 'together'), rest, 'note'))) : null));
}

// A picture with points: [{trial, x, y}], x and y in [0, 1].
function scatter({title, points, xMarks, yMarks, line, height = 200, className = '', xAt, yAt}) {
  const place = told(), picture = svg('svg', {role: 'img', 'aria-label': title, height});
  const figure = el('figure', {class: 'card chart ' + className}, el('header', {}, el('h3', {}, title)), picture, place);
  let width = 0, marks = new Map();
  function draw() {
    width = Math.max(160, picture.clientWidth || 300);
    const left = 46, right = width - 10, top = 8, bottom = height - 22;
    const toX = share => left + share * (right - left), toY = share => bottom - share * (bottom - top);
    picture.replaceChildren();
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    for (const [value, name] of yMarks) {
      const y = toY(yAt(value));
      picture.append(svg('line', {class: 'rule', x1: left, x2: right, y1: y, y2: y}), svg('text', {x: left - 8, y: y + 4, 'text-anchor': 'end'}, name));
    }
    const most = Math.max(2, Math.floor((right - left) / 46)), every = Math.ceil(xMarks.length / most);
    xMarks.forEach(([value, name], i) => {
      if (i % every) return;
      const x = toX(xAt(value));
      picture.append(svg('text', {x, y: height - 5, 'text-anchor': x > right - 14 ? 'end' : x < left + 8 ? 'start' : 'middle'}, name));
    });
    if (line) picture.append(svg('path', {class: 'curve', style: '--colour: var(--validation); stroke-width: 1.5', d: line.map(([x, y], i) => (i ? `H${toX(x).toFixed(1)}V` : `M${toX(x).toFixed(1)} `) + toY(y).toFixed(1)).join('')}));
    marks = new Map();
    for (const {trial, x, y} of [...points].sort((a, b) => (ranks.get(a.trial.trial) ?? -1) - (ranks.get(b.trial.trial) ?? -1))) {
      const failed = trial.state == 'failed', cx = toX(x), cy = toY(y);
      const node = failed ? svg('path', {d: `M${cx - 3.5} ${cy - 3.5}l7 7m0 -7l-7 7`, style: 'stroke: var(--problem); stroke-width: 1.8; fill: none'})
        : svg('circle', {cx, cy, r: trial == best ? 6 : 4.2, style: `fill: ${colour(trial)}; stroke: var(--card); stroke-width: 1`});
      picture.append(node);
      marks.set(trial, {node, cx, cy});
    }
  }
  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let near = null, least = 900;
    for (const [trial, {cx, cy}] of marks) {
      const distance = (cx - x) ** 2 + (cy - y) ** 2;
      if (distance < least) least = distance, near = trial;
    }
    light(near, place);
  });
  picture.addEventListener('pointerleave', () => light(null));
  lit.push(trial => { for (const [other, {node}] of marks) node.style.opacity = !trial || other == trial ? 1 : .25; });
  new ResizeObserver(() => { if (picture.clientWidth != width) draw(); }).observe(picture);
  figure.draw = draw;
  return figure;
}

function course() {
  if (!good.length) return;
  const scale = objectiveScale(), last = trials.length, at = number => last > 1 ? (number - 1) / (last - 1) : .5;
  const points = trials.map(trial => ({trial, x: at(trial.trial), y: trial.figure == null ? (data.higher ? .02 : .98) : scale.at(trial.figure)}));
  const line = [];
  let least = null;
  for (const trial of trials) {
    if (trial.figure == null || trial.state == 'failed') continue;
    if (least == null || better(trial.figure, least)) line.push([at(trial.trial), scale.at(least = trial.figure)]);
  }
  if (line.length) line.push([1, line[line.length - 1][1]]);
  const numbers = ticks(1, last, 8).filter(value => value >= 1 && Number.isInteger(value));
  section('Trial by trial', 'the line is the best so far; a cross is a trial that failed',
    scatter({title: word(data.figure), points, line, height: 260, xAt: at, yAt: value => scale.at(value), xMarks: (numbers.includes(1) ? numbers : [1, ...numbers]).map(value => [value, String(value)]), yMarks: scale.marks}));
}

// Parallel coordinates: a line a trial through its values to the objective; upright on a narrow screen.
function coordinates() {
  if (good.length < 2) return;
  const scale = objectiveScale(), place = told();
  const axes = [...dimensions.map(one => ({name: one.name, ...scaleOf(one), of: trial => trial.values[one.name]})),
    {name: word(data.figure), ...scale, of: trial => trial.figure}];
  const picture = svg('svg', {role: 'img', 'aria-label': 'the values of all trials'});
  const figure = el('figure', {class: 'card chart'}, picture, place);
  const kept = new Map();  // axis -> [low, high] of what is chosen on it
  let width = 0, paths = [];
  const chosen = trial => [...kept].every(([axis, [low, high]]) => { const value = axis.of(trial); return value !== undefined && axis.at(value) >= low && axis.at(value) <= high; });
  const shade = trial => { for (const [other, path] of paths) { path.style.opacity = (trial ? other == trial : chosen(other)) ? 1 : .06; path.style.strokeWidth = other == trial || other == best ? 2.6 : 1.4; } };
  function draw() {
    width = Math.max(160, picture.clientWidth || 300);
    const upright = width < 620, long = upright ? axes.length * 84 - 6 : width, height = upright ? long : 320;
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    picture.setAttribute('height', height);
    picture.replaceChildren();
    const begin = upright ? 12 : 24, end = upright ? width - 12 : height - 14;  // along an axis
    const across = i => upright ? 30 + i * 84 : 40 + i * (width - 90) / (axes.length - 1);
    const along = share => upright ? begin + share * (end - begin) : end - share * (end - begin);
    const point = (i, share) => upright ? [along(share), across(i)] : [across(i), along(share)];
    paths = [...good].sort((a, b) => ranks.get(a.trial) - ranks.get(b.trial)).map(trial => {
      let path = '', before = null;
      axes.forEach((axis, i) => {
        const value = axis.of(trial);
        if (value === undefined) return;  // not varied in this trial: the line passes by
        const [x, y] = point(i, axis.at(value));
        const [px, py] = before || [];
        path += !before ? `M${x} ${y}` : upright ? `C${px} ${(py + y) / 2} ${x} ${(py + y) / 2} ${x} ${y}` : `C${(px + x) / 2} ${py} ${(px + x) / 2} ${y} ${x} ${y}`;
        before = [x, y];
      });
      const node = svg('path', {d: path, style: `fill: none; stroke: ${colour(trial)}`});
      picture.append(node);
      return [trial, node];
    });
    axes.forEach((axis, i) => {
      const [x0, y0] = point(i, 0), [x1, y1] = point(i, 1), last = i == axes.length - 1;
      picture.append(svg('line', {x1: x0, x2: x1, y1: y0, y2: y1, style: 'stroke: var(--soft)'}));
      picture.append(svg('text', {x: upright ? begin : x0, y: upright ? y0 - 16 : 10, 'text-anchor': upright ? 'start' : i == 0 ? 'start' : last ? 'end' : 'middle', style: 'fill: var(--ink); font-weight: 600; font-size: 12px'}, axis.name));
      for (const [value, name] of axis.marks) {
        const [x, y] = point(i, axis.at(value));
        picture.append(svg('text', {x: upright ? x : x + 7, y: upright ? y + 15 : y + 4, 'text-anchor': upright ? (x > end - 14 ? 'end' : x < begin + 8 ? 'start' : 'middle') : 'start', style: 'stroke: var(--card); stroke-width: 3; paint-order: stroke; fill: var(--soft)'}, name));
      }
      const range = kept.get(axis);
      if (range) {
        const [ax, ay] = point(i, range[0]), [bx, by] = point(i, range[1]);
        picture.append(svg('line', {x1: ax, x2: bx, y1: ay, y2: by, style: 'stroke: var(--validation); stroke-width: 7; opacity: .55; stroke-linecap: round'}));
      }
      // Drag along an axis to keep the trials that pass there.
      const grip = svg('rect', upright ? {x: 0, y: y0 - 12, width, height: 24, fill: 'transparent', style: 'cursor: ew-resize; touch-action: none'} : {x: x0 - 12, y: end - (end - begin) - 6, width: 24, height: end - begin + 12, fill: 'transparent', style: 'cursor: ns-resize; touch-action: none'});
      let from = null;
      const share = event => { const box = picture.getBoundingClientRect(); const value = upright ? (event.clientX - box.left - begin) / (end - begin) : (end - event.clientY + box.top) / (end - begin); return Math.max(0, Math.min(1, value)); };
      grip.addEventListener('pointerdown', event => { from = share(event); grip.setPointerCapture(event.pointerId); event.stopPropagation(); });
      grip.addEventListener('pointermove', event => { if (from != null) { event.stopPropagation(); kept.set(axis, [from, share(event)].sort((a, b) => a - b)); shade(null); } });
      grip.addEventListener('pointerup', event => { const to = share(event); if (Math.abs(to - from) < .01) kept.delete(axis); from = null; draw(); });
      picture.append(grip);
    });
    shade(null);
  }
  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let near = null, least = 14;
    for (const [trial, path] of paths) {
      if (!chosen(trial)) continue;
      const length = path.getTotalLength();
      for (let i = 0; i <= 60; ++i) {
        const spot = path.getPointAtLength(length * i / 60), distance = Math.hypot(spot.x - x, spot.y - y);
        if (distance < least) least = distance, near = trial;
      }
    }
    light(near, place);
  });
  picture.addEventListener('pointerleave', () => light(null));
  lit.push(shade);
  new ResizeObserver(() => { if (picture.clientWidth != width) draw(); }).observe(picture);
  figure.draw = draw;
  section('All values', 'a line is a trial, the stronger the better; drag along an axis to choose', figure);
}

function slices() {
  if (good.length < 2) return;
  const scale = objectiveScale();
  section('Param by param', null, el('div', {class: 'grid'}, dimensions.map(one => {
    const own = scaleOf(one);
    const points = good.filter(trial => one.name in trial.values).map(trial => ({trial, x: own.at(trial.values[one.name]), y: scale.at(trial.figure)}));
    return scatter({title: one.name, points, xAt: own.at, yAt: scale.at, xMarks: own.marks, yMarks: scale.marks});
  })));
}

function curves() {
  if (!best || best.curve.length < 2) return;
  const line = trial => trial.curve.map((value, i) => [i + 1, value == null ? NaN : value]);
  const series = [{name: 'best', colour: 'validation', points: line(best)}];
  if (first && first != best && first.curve.length) series.push({name: 'the file', colour: 'training', points: line(first)});
  section('Learning curves', null, chart({title: word(data.figure), series, height: 240, canLog: true}));
}

function list() {
  const keys = [['trial', trial => trial.trial], [word(data.figure), trial => trial.figure], ['state', trial => trial.state], ['epochs', trial => trial.epochs],
    ...dimensions.map(one => [one.name, trial => trial.values[one.name]])];
  if (data.edition) keys.push(['edition', trial => trial.edition + 1]);
  const failed = trials.some(trial => trial.failure);
  if (failed) keys.push(['reason', trial => trial.failure]);
  let by = 1, down = data.higher;
  const body = el('tbody'), heads = keys.map(([name], i) => {
    const node = el('th', {class: i < 2 || i == 3 ? 'number' : null, style: 'cursor: pointer', 'aria-sort': 'none'}, name);
    node.addEventListener('click', () => { down = by == i ? !down : false; by = i; fill(); });
    return node;
  });
  function fill() {
    const of = keys[by][1], value = trial => of(trial) ?? null;
    const order = [...trials].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x == null || y == null) return (x == null) - (y == null);
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1) || a.trial - b.trial;
    });
    heads.forEach((node, i) => { node.textContent = keys[i][0] + (i == by ? (down ? ' ↓' : ' ↑') : ''); node.setAttribute('aria-sort', i == by ? (down ? 'descending' : 'ascending') : 'none'); });
    body.replaceChildren(...order.map(trial => {
      const row = el('tr', {}, keys.map(([, key], i) => el('td', {class: [i < 2 || i == 3 ? 'number' : '', i == 1 && trial == best ? 'best' : ''].join(' ')}, i == 1 ? show(key(trial)) : text(key(trial)))));
      row.addEventListener('pointerenter', () => light(trial));
      row.addEventListener('pointerleave', () => light(null));
      return row;
    }));
  }
  fill();
  section('All trials', 'click a column to sort', el('div', {class: 'card'}, el('div', {class: 'scroll'}, el('table', {style: 'white-space: nowrap'}, el('thead', {}, el('tr', {}, heads)), body))));
}

head();
values();
course();
coordinates();
slices();
curves();
list();
page.append(el('footer', {}, 'netc tune'));
drawAll();
