const colours = ['#3b7ddd', '#e0662b', '#2f9e6a', '#9a5fd6', '#b8901c', '#d14b7d', '#2aa5b5', '#8a7a66'];
data.runs.forEach((run, i) => {
  run.colour = 'run' + i;
  document.documentElement.style.setProperty('--run' + i, colours[i % colours.length]);
});

const chip = run => el('span', {class: 'pill', style: `--colour: var(--${run.colour})`}, el('i'), run.name);
const columns = [...new Set(data.runs.flatMap(run => Object.keys(run.history[0])))].filter(name => !['epoch', 'seconds'].includes(name));

function curve(name, options) {
  return chart({title: name.replaceAll('_', ' ').replace('val ', 'validation '), canLog: /loss|rate/.test(name), ...options,
    series: data.runs.filter(run => name in run.history[0]).map(run => ({name: run.name, colour: run.colour, points: run.history.map(line => [line.epoch, number(line[name])])}))});
}

function differences(title, rows) {
  if (!rows.length) return;
  const head = el('tr', {}, el('th'), data.runs.map(run => el('th', {}, chip(run))));
  section(title, null, el('div', {class: 'card scroll'}, el('table', {}, el('thead', {}, head), el('tbody', {}, rows.map(row =>
    el('tr', {}, el('td', {class: 'soft'}, row.name), row.cells.map((cell, i) => el('td', {class: i == row.best ? 'best' : null}, cell))))))));
}

// The lines that differ, each with its neighbours.
function source(run) {
  const near = run.source.map((line, i) => run.source.slice(Math.max(0, i - 2), i + 3).some(other => other[0] != ' '));
  const lines = run.source.flatMap((line, i) => near[i] ? [el('span', {class: {'-': 'gone', '+': 'come'}[line[0]]}, line.join(' '))] : near[i - 1] ? [el('span', {class: 'soft'}, '  …')] : []);
  return lines.length ? el('div', {class: 'card'}, el('h3', {style: 'margin-bottom: 8px'}, `${run.name} beside ${data.runs[0].name}`), el('pre', {class: 'difference'}, lines)) : null;
}

page.append(el('p', {class: 'over'}, data.network), el('h1', {}, `${data.runs.length} runs compared`));
differences('Figures', data.figures);
const first = columns.includes('val_loss') ? 'val_loss' : 'loss';
section('Curves', 'move over them for the values of an epoch', el('div', {class: 'grid'}, curve(first, {height: 300, class: 'wide'}),
  columns.filter(name => name != first && (!name.endsWith('penalty') || data.runs.some(run => run.history.some(line => line[name])))).map(name => curve(name))));
differences('What differed', data.differences);
const sources = data.runs.slice(1).map(source).filter(one => one);
if (sources.length) section('Lines of the source', null, el('div', {class: 'findings'}, sources));
drawAll();
