// Revisions for people: who, when, and what of each object is other than before.

import type { FieldDifference, ObjectChange, Revision } from '../directory/history.ts';
import { formatTime } from './output.ts';

/** Of a long list so many entries are shown. */
const maxEntries = 10;
/** They say when, not what. */
const untold = new Set(['created', 'id', 'passwordChanged']);

export function formatRevision({ revision, time, actor, changes, count }: Revision): string[] {
  const lines = [`revision ${revision}  ${formatTime(time)}  ${actor}`];
  for (const change of changes) lines.push(...formatChange(change).map((line) => `  ${line}`));
  if (count > changes.length) {
    lines.push(`  … and ${count - changes.length} more: posthaste history --revision ${revision}`);
  }
  return lines;
}

export function formatChange({ action, object, differences, before, after }: ObjectChange): string[] {
  const lines = [`${action} ${object}`];
  // What only comes or goes is told by its fields alone.
  const sign = before === null ? '+' : after === null ? '-' : '';
  for (const difference of differences) {
    const { field } = difference;
    if (untold.has(field) || difference.before === object || difference.after === object) continue;
    const texts = formatDifference(difference, sign);
    texts.forEach((text, index) => lines.push(`  ${index === 0 ? `${field}:` : ''.padEnd(field.length + 1)} ${text}`));
  }
  return lines;
}

export function formatDifference({ before, after }: FieldDifference, sign = ''): string[] {
  if (Array.isArray(before) || Array.isArray(after)) return listDifference(asList(before), asList(after));
  if (sign === '+') return isUsual(after) ? [] : [formatValue(after)];
  if (sign === '-') return isUsual(before) ? [] : [formatValue(before)];
  return [`${formatValue(before)} → ${formatValue(after)}`];
}

/** What nobody has set. */
function isUsual(value: unknown): boolean {
  return value === '' || value === undefined || value === 0;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function listDifference(before: readonly unknown[], after: readonly unknown[]): string[] {
  const [had, has] = [before, after].map((list) => new Set(list.map((one) => formatValue(one))));
  const gone = [...(had ?? [])].filter((one) => has?.has(one) !== true).map((one) => `- ${one}`);
  const come = [...(has ?? [])].filter((one) => had?.has(one) !== true).map((one) => `+ ${one}`);
  const all = [...gone, ...come];
  if (all.length === 0) return before.length === 0 ? [] : ['in another order'];
  return all.length <= maxEntries ? all : [...all.slice(0, maxEntries), `… and ${all.length - maxEntries} more`];
}

export function formatValue(value: unknown): string {
  if (value === undefined || value === null || value === '') return '(none)';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
