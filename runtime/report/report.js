const history_ = data.history, epochs = history_.length;
const column = name => history_.map(line => [line.epoch, number(line[name])]);
const has = name => data.columns.includes(name);
const finding = kind => data.reading.find(one => one.kind == kind);
const metrics = data.columns.filter(name => !name.startsWith('val_') && name != 'loss' && name != 'penalty' && name != 'learning_rate');
const word = name => name.replaceAll('_', ' ');

function head() {
  const seconds = history_.reduce((sum, line) => sum + line.seconds, 0);
  const colours = {finished: 'good', running: 'training', interrupted: 'warning', diverged: 'problem'};
  const status = data.status + (data.status == 'running' ? `, epoch ${epochs} of ${data.epochs}` : '');
  page.append(el('div', {class: 'head'},
    el('div', {}, el('p', {class: 'over'}, data.run), el('h1', {}, data.program)),
    el('span', {class: 'pill', style: `--colour: var(--${colours[data.status]})`}, el('i'), status)));
  if (data.reason) page.append(el('p', {class: 'soft'}, data.reason));
  const best = history_[data.best_epoch - 1], list = [];
  for (const name in data.test || {}) if (name != 'penalty') list.push([show(number(data.test[name])), 'test ' + word(name)]);
  for (const name of ['loss', ...metrics]) {
    const full = has('val_' + name) ? 'val_' + name : name;
    if (best) list.push([show(number(best[full])), word(full).replace('val ', 'validation ') + ' at best']);
  }
  list.push([data.best_epoch + ' / ' + epochs, 'best epoch of all'], [duration(seconds), 'training time'],
    [show(data.layers.reduce((sum, layer) => sum + layer[3], 0)), 'parameters'], [show(data.samples[0]), 'training samples']);
  page.append(figures(list.slice(0, 10)));
}

function reading() {
  const name = one => one.kind + (one.epoch && !['good', 'plateau'].includes(one.kind) && one.epoch > 1 ? ', epoch ' + one.epoch : '');
  section('The reading', null, el('div', {class: 'findings'}, data.reading.map(one =>
    el('div', {class: 'card finding', style: `--colour: var(--${one.level})`},
      el('p', {class: 'kind'}, name(one)), el('p', {}, one.text),
      one.advice.length ? el('ul', {}, one.advice.flatMap((text, i) => i % 2 ? [] : [el('li', {}, text, one.advice[i + 1] ? el('code', {}, one.advice[i + 1]) : null)])) : null))));
}

function curves() {
  const over = finding('overfitting') || finding('diverging');
  const pair = name => [{name: 'training', colour: 'training', points: column(name)},
    ...(has('val_' + name) ? [{name: 'validation', colour: 'validation', points: column('val_' + name)}] : [])];
  const options = {marks: data.best_epoch ? [[data.best_epoch, 'best']] : [], region: over && over.epoch};
  const list = [chart({title: 'loss', series: pair('loss'), height: 280, class: 'wide', canLog: true, ...options})];
  for (const name of metrics) list.push(chart({title: word(name), series: pair(name), ...options}));
  if (has('learning_rate')) list.push(chart({title: 'learning rate', series: [{name: '', colour: 'third', points: column('learning_rate')}], canLog: true}));
  if (history_.some(line => line.penalty)) list.push(chart({title: 'penalty of regularisers', series: [{name: '', colour: 'third', points: column('penalty')}]}));
  list.push(chart({title: 'samples per second', series: [{name: '', colour: 'note', points: column('samples_per_second')}]}));
  section('Learning curves', 'move over them for the values of an epoch', el('div', {class: 'grid'}, list));
}

function layers() {
  const lines = data.diagnostics;
  if (!lines.length) return;
  const names = lines[lines.length - 1].layers.map(layer => layer.name);
  const of = (name, key) => lines.map(line => number((line.layers.find(layer => layer.name == name) || {})[key]));
  const rows = names.map(name => {
    const last = lines[lines.length - 1].layers.find(layer => layer.name == name);
    const trains = last.weight_norm > 0;
    const dead = last.units ? last.dead / last.units : 0;
    return el('div', {class: 'layer'}, el('code', {}, name),
      trains ? spark('gradient', of(name, 'gradient_norm'), {log: true}) : el('div'),
      trains ? spark('weight', of(name, 'weight_norm'), {colour: 'third'}) : el('div'),
      trains ? spark('update', of(name, 'update_ratio'), {log: true, colour: 'note'}) : el('div'),
      last.units ? el('div', {class: 'spark', 'data-name': 'dead'}, bar(dead, dead >= .5 ? 'problem' : dead >= .2 ? 'warning' : 'good'), el('span', {}, `${last.dead} of ${last.units}`)) : el('div'));
  });
  section('Layers', 'every epoch, with the last value', el('div', {class: 'card layers'},
    el('div', {class: 'layer'}, ...['', '|gradient|', '|weight|', '|update| / |weight|', 'dead units'].map(text => el('span', {}, text))), rows));
}

function matrix(output) {
  const names = output.classes, n = names.length, cells = [], sums = Array(n).fill(0);
  for (let i = 0; i < output.matrix.length; i += 3) cells.push(output.matrix.slice(i, i + 3));
  for (const [is, , count] of cells) sums[is] += count;
  const wrong = cells.filter(([is, said]) => is != said).sort((a, b) => b[2] - a[2]);
  const told = el('p', {class: 'told'}, '');
  const rest = `${percent(1 - wrong.reduce((sum, cell) => sum + cell[2], 0) / sums.reduce((a, b) => a + b, 0))} right. Rows are what is right, columns what the network says.`;
  told.textContent = rest;
  const parts = [];
  if (n <= 40) {
    const longest = Math.max(...names.map(name => name.length)), left = Math.min(130, 12 + longest * 6.6), size = n > 20 ? 14 : n > 12 ? 24 : 40;
    const short = name => name.length > 18 ? name.slice(0, 17) + '…' : name, slanted = longest > 4 && size < 60;
    const top = slanted ? Math.min(90, 14 + longest * 4.8) : 20, width = left + n * size + (slanted ? 40 : 4);
    const picture = svg('svg', {viewBox: `0 0 ${width} ${top + n * size + 2}`, role: 'img', 'aria-label': 'confusion matrix', style: `max-width: ${width * 1.25}px; --size: ${n > 20 ? 9 : 11}px`});
    names.forEach((name, i) => {
      const middle = (i + .5) * size;
      picture.append(svg('text', {x: left - 8, y: top + middle + 4, 'text-anchor': 'end'}, short(name)),
        slanted ? svg('text', {transform: `translate(${left + middle} ${top - 6}) rotate(-40)`}, short(name))
          : svg('text', {x: left + middle, y: top - 7, 'text-anchor': 'middle'}, short(name)));
      for (let k = 0; k < n; ++k) picture.append(svg('rect', {class: 'cell', x: left + k * size, y: top + i * size, width: size, height: size, fill: 'none'}));
    });
    for (const [is, said, count] of cells) {
      const share = count / sums[is], cell = svg('rect', {class: 'cell ' + (is == said ? 'right' : 'wrong'), x: left + said * size, y: top + is * size,
        width: size, height: size, 'fill-opacity': (is == said ? .12 + .68 * share : .12 + .88 * Math.min(1, 3 * share)).toFixed(3)});
      const text = is == said ? `${names[is]}: ${count} of ${sums[is]} found, ${percent(share)}` : `${names[is]} taken for ${names[said]}: ${count} of ${sums[is]}, ${percent(share)}`;
      cell.addEventListener('pointerenter', () => { told.textContent = text; });
      cell.addEventListener('pointerleave', () => { told.textContent = rest; });
      picture.append(cell);
      if (size >= 40) picture.append(svg('text', {class: 'count', x: left + (said + .5) * size, y: top + (is + .5) * size + 4, 'text-anchor': 'middle'}, String(count)));
    }
    parts.push(el('div', {class: 'card matrix'}, picture, told));
  }
  if (wrong.length) parts.push(el('div', {class: 'card'}, el('h3', {style: 'margin-bottom: 14px'}, 'Taken for another most often'), el('div', {class: 'pairs'}, wrong.slice(0, 10).map(([is, said, count]) =>
    el('div', {}, el('span', {}, names[is], el('span', {class: 'soft'}, ' taken for '), names[said]), bar(count / wrong[0][2], 'validation'), el('span', {}, `${count} of ${sums[is]}`)))), n > 40 ? told : null));
  return el('div', {class: 'grid top'}, parts);
}

function scatter(output) {
  const points = [];
  for (let i = 0; i < output.points.length; i += 2) points.push([number(output.points[i]), number(output.points[i + 1])]);
  const finite = points.filter(point => point.every(isFinite)), all = finite.flat();
  const low = Math.min(...all), high = Math.max(...all), span = high - low || 1, size = 420, at = value => 44 + (value - low) / span * (size - 56);
  const picture = svg('svg', {viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': 'what is right against what the network says', style: 'max-width: 520px'});
  for (const value of ticks(low, high, 5)) {
    picture.append(svg('line', {class: 'rule', x1: 44, x2: size - 12, y1: size - at(value), y2: size - at(value)}),
      svg('text', {x: 38, y: size - at(value) + 4, 'text-anchor': 'end'}, tickText(value)), svg('text', {x: at(value), y: size - 26, 'text-anchor': 'middle'}, tickText(value)));
  }
  picture.append(svg('line', {class: 'mark', x1: at(low), y1: size - at(low), x2: at(high), y2: size - at(high)}));
  for (const [is, said] of finite) picture.append(svg('circle', {class: 'point', r: 3.2, cx: at(is), cy: size - at(said)}, svg('title', {}, `is ${show(is)}, said ${show(said)}`)));
  return el('div', {class: 'card', style: 'max-width: 560px'}, el('h3', {}, 'What is right (across) against what the network says (up)'), picture);
}

function sample(one) {
  const parts = [];
  if (one.image) parts.push(el('img', {src: one.image, alt: `sample ${one.sample}`}));
  if (one.features) parts.push(el('dl', {}, one.features.flatMap((value, i) => i % 2 ? [] : [el('dt', {title: value}, value), el('dd', {}, show(one.features[i + 1]))])));
  if (one.series) parts.push(spark('values', one.series.map(number)).firstChild);
  if (typeof one.said[1] == 'number') {
    for (let i = 0; i < one.said.length; i += 2) {
      if (i && one.said[i + 1] < .005) continue;
      parts.push(el('p', {}, i ? one.said[i] : el('b', {}, one.said[i]), el('span', {class: 'soft'}, percent(one.said[i + 1]))), bar(one.said[i + 1], one.said[i] == one.is ? 'good' : 'validation'));
    }
    if (!one.right) parts.push(el('p', {}, el('span', {class: 'soft'}, 'is'), el('b', {}, one.is)));
  } else {
    parts.push(el('p', {}, el('span', {class: 'soft'}, 'says'), el('b', {}, one.said[0])), el('p', {}, el('span', {class: 'soft'}, 'is'), el('b', {}, one.is)));
  }
  return el('div', {class: 'card sample', title: `sample ${one.sample}`}, parts);
}

function predictions() {
  const said = data.predictions;
  if (!said) return;
  const note = `${show(said.samples)} ${said.samples < said.of ? 'of ' + show(said.of) + ' ' : ''}${said.split} samples, weights of epoch ${said.epoch}`;
  section('Predictions', note, ...said.outputs.map(output => output.classes ? matrix(output) : scatter(output)));
  const values = !said.outputs[0].classes;
  for (const [title, right] of [[values ? 'Largest errors' : 'Most confidently wrong', false], [values ? 'Smallest errors' : 'Right', true]]) {
    const list = said.shown.filter(one => one.right == right);
    if (list.length) section(title, null, el('div', {class: 'samples'}, list.map(sample)));
  }
}

function inspection() {
  const test = data.find_lr;
  if (test && Array.isArray(test.learning_rate)) section('Range test of the learning rate', test.suggested ? 'suggests ' + show(test.suggested) : null,
    chart({title: 'loss', x: 'learning rate', logX: true, canLog: true, series: [{name: '', colour: 'third', points: test.learning_rate.map((rate, i) => [number(rate), number(test.loss[i])])}], marks: test.suggested ? [[test.suggested, 'suggested']] : []}));
  if (data.activations.length) section('Activations and filters', null, el('div', {class: 'gallery'}, data.activations.map(one =>
    el('figure', {class: 'card'}, el('img', {src: one.image, alt: `${one.kind} of ${one.layer}`}), el('figcaption', {}, el('code', {}, one.layer), el('span', {class: 'soft'}, ` ${one.kind} [${(one.shape || []).join(', ')}]`))))));
}

function configuration() {
  const rows = [['', 'value', 'from']];
  for (let i = 0; i < data.configuration.length; i += 3) rows.push([el('code', {}, data.configuration[i]), el('code', {}, data.configuration[i + 1]), el('span', {class: 'soft'}, data.configuration[i + 2])]);
  const layers = [['layer', 'kind', 'output', 'parameters', 'FLOPs'], ...data.layers.map(layer => [el('code', {}, layer[0]), layer[1], `[${layer[2].join(', ')}]`, layer[3], layer[4]])];
  const all = [['epoch', ...data.columns, 'seconds'], ...history_.map(line => [line.epoch, ...data.columns.map(name => number(line[name])), line.seconds])];
  section('Configuration', null, el('div', {class: 'card'}, table(rows)), hidden('The network, layer by layer', table(layers)),
    hidden('The source', el('pre', {}, data.source.replace(/\n$/, '').split('\n').map(line => el('span', {}, line)))),
    hidden('All figures', table(all.length > 1001 ? [all[0], ...all.slice(-1000)] : all)));
}

head();
if (data.reading.length) reading();
if (epochs) curves();
layers();
predictions();
inspection();
configuration();
page.append(el('footer', {}, `Written ${new Date(1000 * data.written).toLocaleString()} by netc.`));
drawAll();
// The page of a training that goes on looks again; that of one that was killed stops looking.
if (data.status == 'running' && Date.now() / 1000 - data.written < 300) setTimeout(() => location.reload(), 10000);
