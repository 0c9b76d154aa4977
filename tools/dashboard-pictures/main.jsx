// Draw one dashboard from a Prometheus with Grafana's own components, and say what is wrong with it.
//
// /?dashboard=FILE&prometheus=URL&to=SECONDS&hours=H; window.drawn holds height and faults when all stands.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import 'uplot/dist/uPlot.min.css';
import { called, series } from './prometheus.js';
import { Heatmap, Lines, States } from './graphs.jsx';
import { Table, Tile } from './figures.jsx';

const WIDTH = 1480;
const GAP = 8;
const UNIT = 30;
const theme = createTheme({ colors: { mode: 'dark' } });
const asked = new URLSearchParams(location.search);
const KINDS = { timeseries: Lines, stat: Tile, table: Table, 'state-timeline': States, heatmap: Heatmap };

const place = ({ x, y, w, h }) => ({
  left: GAP + ((WIDTH - GAP) / 24) * x,
  top: (UNIT + GAP) * y,
  width: ((WIDTH - GAP) / 24) * w - GAP,
  height: (UNIT + GAP) * h - GAP,
});

function Panel({ panel, answers, span }) {
  const { width, height, ...where } = place(panel.gridPos);
  const style = { position: 'absolute', width, height, ...where };
  if (panel.type === 'row') {
    return <div style={{ ...style, fontSize: 18, fontWeight: 500, lineHeight: '34px', color: theme.colors.text.primary }}>⌄ {panel.title}</div>;
  }
  const rows = answers.flatMap(({ target, found }) =>
    found.map((one) => ({ ...one, name: called(target, one.labels) }))
  );
  const Kind = KINDS[panel.type];
  return (
    <div style={style}>
      <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
        {(innerWidth, innerHeight) =>
          rows.length > 0 ? (
            <Kind {...{ panel, answers, rows, theme, span }} width={innerWidth} height={innerHeight} />
          ) : (
            <div style={{ textAlign: 'center', paddingTop: innerHeight / 2 - 10 }}>{panel.fieldConfig.defaults.noValue}</div>
          )
        }
      </PanelChrome>
    </div>
  );
}

async function main() {
  const dashboard = await (await fetch(asked.get('dashboard'))).json();
  const to = Number(asked.get('to'));
  const span = { from: to - 3600 * Number(asked.get('hours')), to, step: 120 };
  const faults = [];
  const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  const answers = await Promise.all(
    panels.map((panel) =>
      Promise.all(
        (panel.targets ?? []).map(async (target) => ({ target, found: await series(asked.get('prometheus'), target, span) }))
      ).catch((error) => {
        faults.push(`${panel.title}: ${error.message}`);
        return [];
      })
    )
  );
  panels.forEach((panel, number) => {
    const values = answers[number].flatMap(({ found }) => found.flatMap((one) => one.values));
    if (panel.type !== 'row' && values.length === 0) {
      faults.push(`${panel.title}: No data`);
    } else if (values.some((value) => Number.isNaN(value))) {
      faults.push(`${panel.title}: NaN`);
    }
    if (panel.type !== 'row' && !(panel.type in KINDS)) {
      faults.push(`${panel.title}: nobody draws ${panel.type}`);
    }
  });
  const height = 56 + Math.max(...panels.map((panel) => place(panel.gridPos).top + place(panel.gridPos).height));
  const when = `${new Date(span.from * 1000).toISOString().slice(0, 16).replace('T', ' ')} to ${new Date(to * 1000).toISOString().slice(11, 16)} UTC`;
  const root = createRoot(document.getElementById('root'));
  // Axes measure their labels, so the letters must be there before them.
  root.render(<ThemeContext.Provider value={theme}><GlobalStyles /></ThemeContext.Provider>);
  await new Promise((done) => setTimeout(done, 100));
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 12px Inter`)));
  root.render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ width: WIDTH, height, background: theme.colors.background.canvas }}>
        <div style={{ height: 48, padding: '10px 14px', fontSize: 18, color: theme.colors.text.primary }}>
          {dashboard.title}
          <span style={{ float: 'right', fontSize: 13, color: theme.colors.text.secondary }}>{when}, simulated data</span>
        </div>
        <div style={{ position: 'relative' }}>
          {panels.map((panel, number) => (
            <Panel key={panel.id} panel={panel} answers={answers[number]} span={span} />
          ))}
        </div>
      </div>
    </ThemeContext.Provider>
  );
  // Two frames after the last one: sizes are measured in the first.
  setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => {
    window.drawn = { width: WIDTH, height: Math.ceil(height), faults };
  })), 700);
}

main().catch((error) => {
  window.drawn = { width: WIDTH, height: 100, faults: [String(error)] };
});
