// Panels of figures: tiles and tables.
import React from 'react';
import { FieldType, ThresholdsMode } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, BigValueTextMode } from '@grafana/ui';
import { field, text } from './fields.js';

export function Tile({ panel, rows, width, height, theme }) {
  const [row] = rows;
  const one = field(row.name, row.values, panel, theme);
  const value = one.display(row.values.at(-1));
  const [min, max] = [Math.min(...row.values), Math.max(...row.values)];
  // Without a range of its own a line that never moves has none.
  one.state = { range: { min, max, delta: max - min } };
  const sparkline = { y: one, x: { name: 'time', type: FieldType.time, values: row.times, config: {} } };
  return (
    <BigValue
      width={width}
      height={height}
      value={value}
      theme={theme}
      colorMode={BigValueColorMode.Value}
      graphMode={row.times.length > 1 ? BigValueGraphMode.Area : BigValueGraphMode.None}
      sparkline={row.times.length > 1 ? sparkline : undefined}
      textMode={BigValueTextMode.Auto}
    />
  );
}

/** Merge instant answers by their labels, then hide and rename columns, as the panel's transformations say. */
export function merged(panel, answers) {
  const lines = new Map();
  const columns = new Set();
  answers.forEach(({ target, found }) => {
    const value = answers.length > 1 ? `Value #${target.refId}` : 'Value';
    for (const { labels, values } of found) {
      const { __name__, ...rest } = labels;
      const key = JSON.stringify(Object.entries(rest).sort());
      const line = lines.get(key) ?? { ...rest };
      line[value] = values.at(-1);
      Object.keys(rest).forEach((name) => columns.add(name));
      columns.add(value);
      lines.set(key, line);
    }
  });
  const options = panel.transformations?.find(({ id }) => id === 'organize')?.options ?? {};
  const place = (name) => options.indexByName?.[name] ?? (name.startsWith('Value') ? 100 : 0);
  const shown = [...columns].filter((name) => !options.excludeByName?.[name]).sort((a, b) => place(a) - place(b));
  return { lines: [...lines.values()], shown, title: (name) => options.renameByName?.[name] ?? name };
}

export function Table({ panel, answers, width, height, theme }) {
  const { lines, shown, title } = merged(panel, answers);
  const cell = { padding: '6px 8px', borderBottom: `1px solid ${theme.colors.border.weak}`, whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' };
  return (
    <div style={{ width, height, overflow: 'hidden' }}>
      <table style={{ width: '100%', fontSize: theme.typography.size.sm, borderCollapse: 'collapse', tableLayout: 'fixed' }}>
        <thead>
          <tr>
            {shown.map((name) => (
              <th key={name} style={{ ...cell, textAlign: name.startsWith('Value') ? 'right' : 'left', color: theme.colors.primary.text }}>
                {title(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line, number) => (
            <tr key={number}>
              {shown.map((name) => {
                const isNumber = typeof line[name] === 'number';
                return (
                  <td key={name} style={{ ...cell, textAlign: name.startsWith('Value') ? 'right' : 'left' }}>
                    {isNumber ? text(field(title(name), [], panel, theme), line[name]) : line[name]}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
