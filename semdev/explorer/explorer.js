// Fills the page: called when it is ready, and whenever a widget is used.
// store, sources, widgets, figures, now, looks, palette, colors, most_bars come from page.py.
(async () => {
const get = (value, key) => (value instanceof Map ? value.get(key) : value[key]);
const s = Object.fromEntries(
  ["items", "properties", "target", "time", "step", "seeds", "all_seeds", "beliefs", "similarity",
   "reach", "curves", "classes"].map((key) => [key, get(store, key)]));
const [TRUE, FALSE, CHOSEN, GREY] = colors;
const FINE = 32000;
const n_properties = s.properties.length, n_items = s.items.length, n_times = s.time.length;

// Beliefs of a seed: U (time × component) times whole numbers (component × cell), see encoding.py.
async function unpack(packed) {
  const bytes = new Uint8Array(get(packed, "cells"));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const n = planes.length / 4, cells = new Int32Array(n);
  for (let k = 0; k < n; k++)
    cells[k] = planes[k] | (planes[n + k] << 8) | (planes[2 * n + k] << 16) | (planes[3 * n + k] << 24);
  const times = get(packed, "times");
  return {times, cells, unit: get(packed, "unit"), components: times.length / n_times};
}
function belief(seed, time, item, property) {
  const {times, cells, unit, components} = seed;
  const cell = item * n_properties + property, width = n_items * n_properties;
  let sum = 0;
  for (let k = 0; k < components; k++) sum += times[time * components + k] * cells[k * width + cell];
  return sum * unit;
}
function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
// [low, middle, high] of what the chosen learners believe.
function spread(seeds, time, item, property) {
  const all = seeds.map((seed) => belief(seed, time, item, property)).sort((a, b) => a - b);
  return [0.025, 0.5, 0.975].map((share) => quantile(all, share));
}

if (!window.semdev_beliefs) window.semdev_beliefs = Promise.all(s.beliefs.map(unpack));
const decoded = await window.semdev_beliefs;

const ensemble = widgets.learner.value.startsWith("median");
const chosen = ensemble ? decoded : [decoded[Number(widgets.learner.value)]];
const which = ensemble ? 0 : Number(widgets.learner.value) + 1;  // in what has the ensemble first
const t = Math.min(widgets.time.value, n_times - 1);
const item = s.items.indexOf(widgets.item.value), property = s.properties.indexOf(widgets.property.value);
const truth = (i, p) => s.target[i * n_properties + p];
// Of an item that has all or most graded properties to a degree, "false" is what is not above 0.
const holds = (i, p) => truth(i, p) > 0;

// Belief bars: what is true of the item, then what is false, that which was ever believed most first.
const names = s.properties.map((name, p) => (holds(item, p) ? name : `(${name})`));
// Peaks take the most arithmetic, and do not hang on the time: not to be done again for each.
const asked = `${widgets.learner.value} ${item}`;
if (window.semdev_peaks?.asked !== asked)
  window.semdev_peaks = {asked, peaks: s.properties.map((_, p) => {
    let most = -Infinity;
    for (let k = 0; k < n_times; k++) most = Math.max(most, spread(chosen, k, item, p)[1]);
    return most;
  })};
const {peaks} = window.semdev_peaks;
const all = s.properties.map((_, p) => p);
const yes = all.filter((p) => holds(item, p));
const no = all.filter((p) => !holds(item, p)).sort((a, b) => peaks[b] - peaks[a]);
const room = (list, n) => {
  const kept = list.slice(0, Math.max(n, 0));
  if (list.includes(property) && !kept.includes(property)) kept.splice(-1, kept.length ? 1 : 0, property);
  return kept;
};
const shown_yes = room(yes, Math.max(most_bars - Math.min(no.length, 10), 1));
const shown_no = room(no, most_bars - shown_yes.length);
const shown = [...shown_yes, ...shown_no];
const spreads = shown.map((p) => spread(chosen, t, item, p));
figures.bars.y_range.factors = shown.map((p) => names[p]).reverse();
sources.bars.data = {
  property: shown.map((p) => names[p]),
  belief: spreads.map((x) => x[1]), low: spreads.map((x) => x[0]), high: spreads.map((x) => x[2]),
  color: shown.map((p) => (holds(item, p) ? TRUE : FALSE)),
  line: shown.map((p) => (p === property ? CHOSEN : holds(item, p) ? TRUE : FALSE)),
  truth: shown.map((p) => truth(item, p)),
};
const left = all.length - shown.length;
figures.bars.title.text = `${s.items[item]}: true, (false)` + (left ? `, ${left} hidden` : "");
let low = 0, high = 1;
for (const p of shown) { low = Math.min(low, truth(item, p)); high = Math.max(high, truth(item, p), peaks[p]); }
for (const x of spreads) { low = Math.min(low, x[0]); high = Math.max(high, x[2]); }
figures.bars.x_range.setv({start: low < 0 ? low * 1.05 : 0, end: high * 1.05});

// One belief over time.
const course = Array.from({length: n_times}, (_, k) => spread(chosen, k, item, property));
sources.curve.data = {
  time: s.time, low: course.map((x) => x[0]), belief: course.map((x) => x[1]), high: course.map((x) => x[2]),
};
figures.curve.title.text = `${s.items[item]} ${s.properties[property]} (${holds(item, property) ? "true" : "false"}; dashed: the truth)`;
for (const each of figures.curve.center) if (each.name === "target") each.location = truth(item, property);

// Map with trails, and dendrogram.
const alike = s.similarity[which];
const map = get(alike, "map"), scale = s.reach / FINE;
const at = (k, i, axis) => map[(k * n_items + i) * 2 + axis] * scale;
const upto = Array.from({length: t + 1}, (_, k) => k);
// Names stand to the right of their points, below whichever name is there already.
const pixel = {
  x: (figures.map.x_range.end - figures.map.x_range.start) / (figures.map.inner_width || 250),
  y: (figures.map.y_range.end - figures.map.y_range.start) / (figures.map.inner_height || 350),
};
const label_y = new Array(n_items), placed = [];
for (const i of s.items.map((_, i) => i).sort((a, b) => at(t, b, 1) - at(t, a, 1))) {
  const left = at(t, i, 0), right = left + 6.5 * pixel.x * s.items[i].length;
  let y = at(t, i, 1);
  for (const other of placed)
    if (left < other.right && right > other.left && Math.abs(y - other.y) < 11 * pixel.y) y = other.y - 11 * pixel.y;
  placed.push({left, right, y});
  placed.sort((a, b) => b.y - a.y);
  label_y[i] = y;
}
sources.map.data = {
  label_y,
  x: s.items.map((_, i) => at(t, i, 0)), y: s.items.map((_, i) => at(t, i, 1)), item: s.items,
  class: s.classes, color: looks.map((look) => look[0]), shape: looks.map((look) => look[1]),
  size: s.items.map((_, i) => (i === item ? 14 : 8)),
};
sources.trails.data = {
  xs: s.items.map((_, i) => upto.map((k) => at(k, i, 0))), ys: s.items.map((_, i) => upto.map((k) => at(k, i, 1))),
  color: looks.map((look) => look[0]), width: s.items.map((_, i) => (i === item ? 3 : 1)),
};
const rows = get(alike, "rows"), heights = get(alike, "heights"), leaves = get(alike, "leaves");
const far = get(alike, "far"), n_mergers = n_items - 1, xs = [], ys = [];
for (let m = 0; m < n_mergers; m++) {
  const r = (k) => (rows[(t * n_mergers + m) * 2 + k] * n_items) / FINE;
  const h = (k) => (heights[(t * n_mergers + m) * 3 + k] * far) / FINE;
  xs.push([h(0), h(1), h(1), h(2)]);
  ys.push([r(0), r(0), r(1), r(1)]);
}
sources.tree.data = {xs, ys};
const order = Array.from({length: n_items}, (_, k) => leaves[t * n_items + k]);
sources.leaves.data = {
  x: order.map(() => 0), y: order.map((_, k) => k), item: order.map((i) => s.items[i]),
  color: order.map((i) => (i === item ? FALSE : "#222")), style: order.map((i) => (i === item ? "bold" : "normal")),
};
figures.tree.x_range.setv({start: far * 1.05, end: -far * 0.45});
figures.tree.below[0].bounds = [0, far];

// Modes, loss, stages.
const strengths = get(s.curves, "strengths"), values = get(s.curves, "singular_values");
const mode = (k, m) => strengths[(which * n_times + k) * values.length + m];
sources.modes.data = {
  xs: palette.map(() => Array.from(s.time)),
  ys: palette.map((_, m) => Array.from({length: n_times}, (_, k) => mode(k, m))),
  color: palette, name: palette.map((_, m) => String(m + 1)), s: palette.map((_, m) => values[m]),
};
const loss = get(s.curves, "loss").slice(which * n_times, (which + 1) * n_times);
sources.loss.data = {
  time: s.time, loss, low: ensemble ? get(s.curves, "loss_low") : loss, high: ensemble ? get(s.curves, "loss_high") : loss,
};
const stages = get(s.curves, "stages")[which];
sources.stages.data = {time: get(stages, "time"), loss: get(stages, "loss")};
const count = get(stages, "time").length;
figures.loss.title.text = `Loss; ${count} stage${count === 1 ? "" : "s"} (▼)` +
  (ensemble && count ? `, of seed ${get(s.curves, "stages_of")}` : "");

// What time it is, and what is believed then.
now.location = s.time[t];
for (const each of [figures.curve, figures.loss, figures.modes])
  each.x_range.end = Math.max(get(store, "until"), 1.02 * s.time[t]);
const [least, middle, most] = course[t];
const who = ensemble ? `median of ${s.seeds.length} learners, central 95 % [${least.toFixed(6)}, ${most.toFixed(6)}]` : `seed ${s.seeds[which - 1]}`;
widgets.said.text = `<b>time ${s.time[t].toPrecision(4)}</b>${Number.isFinite(s.step[t]) ? ` (step ${s.step[t]})` : ""}: ` +
  `“${s.items[item]} ${s.properties[property]}” is believed to <b>${middle.toFixed(6)}</b> (${who}); in truth ${truth(item, property)}`;

// Play.
clearInterval(window.semdev_play);
widgets.play.label = widgets.play.active ? "⏸ pause" : "▶ play";
if (widgets.play.active)
  window.semdev_play = setInterval(() => {
    if (widgets.time.value >= n_times - 1) widgets.time.value = 0;
    else widgets.time.value += 1;
  }, 120);
})();
