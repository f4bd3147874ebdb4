// Circles among aliases, found in the graph and not by running into a limit: virtual aliases of all tables, and the local
// aliases(5) that they lead to. An address that leads to itself ends its expansion there (cleanup(8)), so it breaks
// every circle that it stands in. Only keys that are addresses are nodes; catch-alls and extensions are followed.

import { parseAddressList } from '../address/address-list.ts';
import { standardForm } from '../address/standard-form.ts';
import { addressMaps, type AddressMaps, findRow, isDestination, keyAddress, targetsOf } from './address-search.ts';
import type { LintContext } from './context.ts';
import type { Row } from './rows.ts';

export interface AliasLoop {
  /** The row at which the circle is closed. */
  readonly row: Row;
  /** The addresses, the first again at the end. */
  readonly path: readonly string[];
  /** It goes through alias_maps, so that local(8) finds it. */
  readonly isLocal: boolean;
}

interface Step {
  readonly row: Row;
  readonly targets: readonly string[];
  readonly isLocal: boolean;
}

/** A name that nobody has: what a catch-all is asked with. */
const probe = 'posthaste-lint-probe';
const maxNodes = 500_000;
const maxLoops = 100;

export function aliasLoops(context: LintContext): AliasLoop[] {
  const aliases = addressMaps(context, 'virtual_alias_maps');
  const local = addressMaps(context, 'alias_maps');
  const finished = new Set<string>();
  const loops: AliasLoop[] = [];
  const starts = [...aliases.rows.keys()].map((key) => startOf(context, key)).filter((one) => one !== undefined);
  for (const name of local.rows.keys()) starts.push(`${name}@${context.text('myorigin').toLowerCase()}`);
  for (const start of starts) {
    if (loops.length >= maxLoops || finished.size > maxNodes) break;
    findLoops(start, (address) => stepFrom(context, aliases, local, address), finished, loops);
  }
  return loops;
}

/** A catch-all is asked with a name that nobody has. */
function startOf(context: LintContext, key: string): string | undefined {
  return key.startsWith('@') ? `${probe}${key}` : keyAddress(context, key);
}

function stepFrom(context: LintContext, aliases: AddressMaps, local: AddressMaps, address: string): Step | undefined {
  const row = findRow(context, aliases, address);
  if (row !== undefined) {
    const targets = targetsOf(context, row, address);
    return targets.includes(address) ? undefined : { row, targets, isLocal: false };
  }
  const at = address.lastIndexOf('@');
  if (!isDestination(context, address.slice(at + 1))) return undefined;
  const alias = local.rows.get(address.slice(0, at));
  if (alias === undefined) return undefined;
  const rules = context.standardFormRules;
  const targets = parseAddressList(alias.value)
    .filter((one) => !/^[|/:\\]/.test(one))
    .map((one) => standardForm(one, rules).toLowerCase());
  return targets.includes(address) ? undefined : { row: alias, targets, isLocal: true };
}

/** Depth first with a stack of its own: tables may be a million rows deep. */
function findLoops(
  start: string,
  step: (address: string) => Step | undefined,
  finished: Set<string>,
  loops: AliasLoop[],
): void {
  const trail: { address: string; step: Step; next: number }[] = [];
  const onTrail = new Map<string, number>();
  const enter = (address: string): void => {
    const known = onTrail.get(address);
    if (known !== undefined) {
      const circle = trail.slice(known);
      const closing = trail.at(-1);
      if (closing !== undefined && loops.length < maxLoops) {
        loops.push({
          row: closing.step.row,
          path: [...circle.map((one) => one.address), address].map((one) => one.replace(probe, 'anyone')),
          isLocal: circle.some((one) => one.step.isLocal),
        });
      }
      return;
    }
    if (finished.has(address)) return;
    const found = step(address);
    if (found === undefined) {
      finished.add(address);
      return;
    }
    onTrail.set(address, trail.length);
    trail.push({ address, step: found, next: 0 });
  };
  enter(start);
  while (trail.length > 0) {
    const top = trail.at(-1) as (typeof trail)[number];
    const target = top.step.targets[top.next++];
    if (target !== undefined) {
      enter(target);
      continue;
    }
    trail.pop();
    onTrail.delete(top.address);
    finished.add(top.address);
  }
}
