// Panels over time: lines, stacks, bands of states, heatmaps.
import React from 'react';
import { UPlotChart, UPlotConfigBuilder, VizLegend } from '@grafana/ui';
import { AxisPlacement, GraphDrawStyle, LegendDisplayMode, ScaleDirection, ScaleOrientation, VisibilityMode } from '@grafana/schema';
import { colour, field, text } from './fields.js';

const LEGEND_ROW = 22;
// Grafana's own steps for bytes: powers of two.
const BINARY = new Set(['bytes', 'bits', 'binBps', 'binbps']);
const BINARY_STEPS = Array.from({ length: 53 }, (_, power) => 2 ** power);
const MOST_LEGEND_ROWS = 3;

function joined(rows) {
  const times = [...new Set(rows.flatMap((row) => row.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const columns = rows.map((row) => {
    const column = new Array(times.length).fill(null);
    row.times.forEach((time, index) => {
      column[place.get(time)] = row.values[index];
    });
    return column;
  });
  return { times, columns };
}

/** Return how high a legend is: as many rows as its names need, three at most. */
function legendHeight(rows, width) {
  const pixels = rows.reduce((sum, row) => sum + 34 + 6.6 * row.name.length, 0);
  return LEGEND_ROW * Math.min(Math.ceil(pixels / (width - 20)), MOST_LEGEND_ROWS) + 4;
}

function Legend({ rows, theme, width, height }) {
  const items = rows.map((row, number) => ({ label: row.name, color: colour(theme, number), yAxis: 1 }));
  return (
    <div style={{ width, height, overflow: 'hidden' }}>
      <VizLegend placement="bottom" displayMode={LegendDisplayMode.List} items={items} />
    </div>
  );
}

export function Lines({ panel, rows, width, height, theme, span }) {
  const { times, columns } = joined(rows);
  const one = field('value', [], panel, theme);
  const custom = panel.fieldConfig.defaults.custom;
  const isStacked = custom.stacking?.mode === 'normal';
  if (isStacked) {
    for (let number = 1; number < columns.length; number++) {
      columns[number] = columns[number].map((value, index) => (value ?? 0) + (columns[number - 1][index] ?? 0));
    }
  }
  const builder = new UPlotConfigBuilder('utc');
  builder.addScale({
    scaleKey: 'x', isTime: true, orientation: ScaleOrientation.Horizontal, direction: ScaleDirection.Right,
    range: () => [span.from * 1000, span.to * 1000],
  });
  builder.addScale({ scaleKey: 'y', orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up, softMin: custom.axisSoftMin });
  builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: 'utc', theme, grid: { show: true } });
  builder.addAxis({ scaleKey: 'y', placement: AxisPlacement.Left, theme, formatValue: (value) => text(one, value), grid: { show: true },
    incrs: BINARY.has(panel.fieldConfig.defaults.unit) ? BINARY_STEPS : undefined,
  });
  rows.forEach((row, number) => {
    builder.addSeries({
      scaleKey: 'y', theme, drawStyle: GraphDrawStyle.Line, lineColor: colour(theme, number), lineWidth: custom.lineWidth,
      fillOpacity: custom.fillOpacity, showPoints: VisibilityMode.Never, spanNulls: false, pxAlign: true,
    });
    if (isStacked && number > 0) {
      builder.addBand({ series: [number + 1, number] });
    }
  });
  const legend = panel.options.legend.showLegend ? legendHeight(rows, width) : 0;
  return (
    <div>
      <UPlotChart data={[times, ...columns]} width={width} height={height - legend} config={builder} />
      {legend > 0 && <Legend rows={rows} theme={theme} width={width} height={legend} />}
    </div>
  );
}

function Canvas({ width, height, draw }) {
  const ref = React.useRef(null);
  React.useLayoutEffect(() => {
    const context = ref.current.getContext('2d');
    context.clearRect(0, 0, width, height);
    draw(context);
  });
  return <canvas ref={ref} width={width} height={height} />;
}

const clock = (time) => new Date(time).toISOString().slice(11, 16);

function timeAxis(context, theme, left, width, bottom, span) {
  context.fillStyle = theme.colors.text.secondary;
  context.font = `12px ${theme.typography.fontFamily}`;
  context.textAlign = 'center';
  const step = 3 * 3600;
  for (let time = Math.ceil(span.from / step) * step; time < span.to; time += step) {
    context.fillText(clock(time * 1000), Math.max(left + ((width - left) * (time - span.from)) / (span.to - span.from), left + 18), bottom);
  }
}

export function States({ panel, rows, width, height, theme, span }) {
  const left = 210;
  const row = Math.min((height - 24) / rows.length, 36);
  const at = (time) => left + ((width - left) * (time / 1000 - span.from)) / (span.to - span.from);
  const one = field('value', [], panel, theme);
  return (
    <Canvas
      width={width}
      height={height}
      draw={(context) => {
        rows.forEach((given, number) => {
          context.fillStyle = theme.colors.text.primary;
          context.font = `12px ${theme.typography.fontFamily}`;
          context.textAlign = 'right';
          context.fillText(given.name.length > 32 ? `${given.name.slice(0, 31)}…` : given.name, left - 8, number * row + row / 2 + 4);
          context.fillStyle = colour(theme, number);
          context.globalAlpha = 0.7;
          given.times.forEach((time) => {
            context.fillRect(at(time), number * row + 3, Math.max(at(time + span.step * 1000) - at(time), 1) + 0.5, row - 6);
          });
          context.globalAlpha = 1;
          context.fillStyle = theme.colors.text.primary;
          context.textAlign = 'left';
          context.fillText(text(one, given.values[0]), at(given.times[0]) + 6, number * row + row / 2 + 4);
        });
        timeAxis(context, theme, left, width, height - 6, span);
      }}
    />
  );
}

export function Heatmap({ panel, rows, width, height, theme, span }) {
  const left = 64;
  const one = field('value', [], panel, theme);
  const bounds = rows
    .map((given) => ({ ...given, bound: given.labels.le === '+Inf' ? Infinity : Number(given.labels.le) }))
    .sort((a, b) => a.bound - b.bound);
  // Buckets count all below them; a cell is what is new in its own.
  const cells = [];
  bounds.forEach((given, number) => {
    given.times.forEach((time, index) => {
      const below = number === 0 ? 0 : (bounds[number - 1].values[bounds[number - 1].times.indexOf(time)] ?? 0);
      const value = given.values[index] - below;
      if (value > panel.options.filterValues.le) {
        cells.push({ number, time, value });
      }
    });
  });
  const used = [...new Set(cells.map((cell) => cell.number))].sort((a, b) => a - b);
  const first = used[0];
  const rowsShown = used.at(-1) - first + 1;
  const size = (height - 28) / rowsShown;
  // One cell that stands out must not darken all others.
  const sizes = cells.map((cell) => cell.value).sort((a, b) => a - b);
  const most = sizes[Math.floor(sizes.length * 0.97)];
  const at = (time) => left + ((width - left) * (time / 1000 - span.from)) / (span.to - span.from);
  return (
    <Canvas
      width={width}
      height={height}
      draw={(context) => {
        for (const { number, time, value } of cells) {
          const share = Math.min(Math.sqrt(value / most), 1);
          context.fillStyle = `hsl(${45 - 30 * share}, 95%, ${14 + 46 * share}%)`;
          context.fillRect(at(time - span.step * 1000), (rowsShown - 1 - number + first) * size, Math.max(at(span.step * 1000) - at(0) - 1, 1.5), size - 1);
        }
        context.fillStyle = theme.colors.text.secondary;
        context.font = `12px ${theme.typography.fontFamily}`;
        context.textAlign = 'right';
        const every = Math.ceil(18 / size);
        for (let number = first; number < first + rowsShown; number += every) {
          const label = bounds[number].bound === Infinity ? '+Inf' : text(one, bounds[number].bound);
          context.fillText(label, left - 6, (rowsShown - 1 - number + first) * size + 5 + size / 2);
        }
        timeAxis(context, theme, left, width, height - 6, span);
      }}
    />
  );
}
