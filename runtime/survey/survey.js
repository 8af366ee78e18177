const plural = (count, word) => `${show(count)} ${word}${count == 1 ? '' : 's'}`;
const parts = data.parts, total = parts.reduce((sum, part) => sum + part.samples, 0);
const colours = ['training', 'validation', 'third'];

function head() {
  page.append(el('div', {class: 'head'}, el('div', {}, el('p', {class: 'over'}, 'data of'), el('h1', {}, data.program))));
  page.append(figures([...parts.map(part => [show(part.samples), `${part.name} samples, ${percent(part.samples / total)}`]),
    [show(data.features.length), data.features.length == 1 ? 'feature' : 'features'],
    ...(data.classes ? [[show(data.classes.length), 'classes']] : [])]));
}

function advice() {
  section('The reading', null, el('div', {class: 'findings'}, data.advice.map(one =>
    el('div', {class: 'card finding', style: `--colour: var(--${one.level})`}, el('p', {class: 'kind'}, one.kind), el('p', {}, one.text),
      one.line ? el('ul', {}, el('li', {}, 'try', el('code', {}, one.line))) : null))));
}

function balance() {
  if (!data.classes) return;
  const most = Math.max(...parts.flatMap(part => part.classes.map(count => count / part.samples)));
  section('Balance of the classes', 'share of each set', el('div', {class: 'grid'}, parts.map((part, p) =>
    el('div', {class: 'card'}, el('h3', {style: 'margin-bottom: 12px'}, part.name), el('div', {class: 'pairs'}, part.classes.slice(0, 100).map((count, i) =>
      el('div', {title: `${count} samples`}, el('span', {}, data.classes[i]), bar(count / part.samples / most, colours[p]), el('span', {}, show(count)))))))));
}

function bars(feature) {
  const high = Math.max(...feature.histogram, 1), count = feature.histogram.length;
  return svg('svg', {viewBox: `0 0 ${count * 5} 40`, preserveAspectRatio: 'none', height: 56, role: 'img', 'aria-label': 'histogram of ' + feature.name},
    feature.histogram.map((value, i) => svg('rect', {x: i * 5 + .5, width: 4, y: 40 - 40 * value / high, height: 40 * value / high, fill: 'var(--training)'})));
}

function features() {
  const most = 120, list = data.features.slice(0, most);
  const known = value => value == null ? '–' : show(value);
  section('Features', data.features.length > most ? `the first ${most} of ${data.features.length}; of the training split` : 'of the training split',
    el('div', {class: 'samples', style: 'grid-template-columns: repeat(auto-fill, minmax(190px, 1fr))'}, list.map(feature => el('figure', {class: 'card sample'},
      el('p', {}, el('b', {}, feature.name), feature.constant ? el('span', {class: 'soft'}, 'constant') : null), bars(feature),
      el('dl', {style: 'margin-top: 8px'}, [['range', `${known(feature.min)} … ${known(feature.max)}`], ['mean', known(feature.mean)], ['deviation', known(feature.deviation)],
        ...(feature.missing ? [['missing', feature.missing]] : []), ...(feature.outliers ? [['outliers', feature.outliers]] : [])]
        .flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, typeof value == 'number' ? show(value) : value)]))))));
}

function copies() {
  const rows = [['sets', 'same', ...(data.copies.near ? ['almost the same'] : []), 'groups in both']];
  for (const one of data.copies.between) rows.push([one.parts.join(' and '), one.samples, ...(data.copies.near ? [one.near] : []), one.groups]);
  const inside = [['set', 'samples that are in it before'], ...Object.entries(data.copies.within)];
  section('Duplicates and leaks', null, el('div', {class: 'grid top'},
    rows.length > 1 ? el('div', {class: 'card'}, table(rows)) : null, el('div', {class: 'card'}, table(inside))));
  const pairs = data.copies.between.flatMap(one => one.pairs.map(pair => [one.parts[0] + ' ' + pair[0], one.parts[1] + ' ' + pair[1], pair[2]]));
  if (pairs.length) page.append(hidden('Which ones', table([['sample', 'is', 'how'], ...pairs])));
}

function view(sample) {
  if (sample.image) return el('img', {src: sample.image, alt: sample.class || 'sample'});
  if (sample.series) return spark('values', sample.series.map(number));
  const list = [];
  for (let i = 0; i < sample.features.length; i += 2) list.push(el('dt', {}, sample.features[i]), el('dd', {}, show(number(sample.features[i + 1]))));
  return el('dl', {}, list);
}

function samples() {
  section('Samples', 'of the training split', el('div', {class: 'samples'}, data.samples.map(sample => el('div', {class: 'card sample'}, view(sample),
    sample.class != null ? el('p', {}, el('b', {}, sample.class), el('span', {class: 'soft'}, '#' + sample.row)) : null))));
  if (!data.augmented.length || !data.augmented[0][0].image) return;
  section('Augmentation', 'on the left the sample, then as training sees it in the first epochs', el('div', {class: 'card scroll'}, data.augmented.map(line =>
    el('div', {class: 'sample', style: 'display: flex; gap: 8px; padding: 4px 0'}, line.map((sample, i) => el('img', {src: sample.image, alt: i ? 'epoch ' + i : 'as it is',
      style: `margin: 0${i ? '' : ' 16px 0 0'}; flex: none`}))))));
}

head();
advice();
balance();
features();
copies();
samples();
page.append(el('footer', {}, 'Written by netc.'));
drawAll();
