// Ask Prometheus what a panel asks for, with Grafana's words and the dashboard's variables filled in.

export const SCRAPE_SECONDS = 120;

const seconds = (value) => `${value}s`;

function filled(query, { step, from, to }) {
  return query
    .replaceAll('$__rate_interval', seconds(Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)))
    .replaceAll('$__range', seconds(to - from))
    .replaceAll('$__interval', seconds(step))
    // Everything is chosen: each of our variables has "all", which is .*
    .replaceAll(/\$(job|instance|model|gpu|experiment)\b/g, '.*');
}

async function ask(server, path, parameters) {
  const answer = await fetch(`${server}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (body.status !== 'success') {
    throw new Error(`${parameters.query}: ${body.error}`);
  }
  return body.data.result;
}

/** Return the series of a target: labels, times in milliseconds, values. */
export async function series(server, target, span) {
  const query = filled(target.expr, span);
  if (target.instant) {
    const rows = await ask(server, 'query', { query, time: span.to });
    return rows.map((row) => ({ labels: row.metric, times: [row.value[0] * 1000], values: [Number(row.value[1])] }));
  }
  const rows = await ask(server, 'query_range', { query, start: span.from, end: span.to, step: span.step });
  return rows.map((row) => ({
    labels: row.metric,
    times: row.values.map(([time]) => time * 1000),
    values: row.values.map(([, value]) => Number(value)),
  }));
}

/** Return what a series is called in a legend. */
export function called(target, labels) {
  if (target.legendFormat) {
    return target.legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '').trim();
  }
  const inside = Object.entries(labels).filter(([name]) => name !== '__name__');
  return inside.map(([, value]) => value).join(' ') || labels.__name__ || target.refId;
}
