// Units, thresholds and colours of a panel's values, by Grafana's own rules.
import { FieldColorModeId, FieldType, getDisplayProcessor } from '@grafana/data';

/** Return a field with the panel's configuration, overrides by name included. */
export function field(name, values, panel, theme, type = FieldType.number) {
  const config = { ...panel.fieldConfig.defaults, custom: { ...panel.fieldConfig.defaults.custom } };
  for (const override of panel.fieldConfig.overrides) {
    if (override.matcher.id === 'byName' && override.matcher.options === name) {
      for (const { id, value } of override.properties) {
        config[id] = value;
      }
    }
  }
  config.color ??= { mode: FieldColorModeId.Thresholds };
  const made = { name, type, values, config };
  made.display = getDisplayProcessor({ field: made, theme });
  return made;
}

export function text(one, value) {
  const shown = one.display(value);
  return `${shown.prefix ?? ''}${shown.text}${shown.suffix ?? ''}`;
}

/** Return the colour of the n-th series, as Grafana's classic palette has it. */
export function colour(theme, number) {
  const palette = theme.visualization.palette;
  return theme.visualization.getColorByName(palette[number % palette.length]);
}
