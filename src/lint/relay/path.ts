// The way that an attempt took through the restriction lists, in words: for each list the restriction that permitted it,
// with the row that said so, or that nothing in it refuses.

import type { TraceStep } from '../../routing/types.ts';
import type { LintContext } from '../context.ts';
import { type ListName, listNames, restrictionList, type Server } from '../restriction-lists.ts';
import type { Place } from '../rule.ts';

/** `describe` says what a restriction of the proof's own stands for. */
export function pathOf(steps: readonly TraceStep[], describe: (restriction: string) => string): string[] {
  const path: string[] = [];
  let list: string | undefined;
  let row = '';
  let permit: string | undefined;
  const close = (): void => {
    if (list !== undefined) path.push(`smtpd_${list}_restrictions: ${permit ?? 'nothing in it refuses'}`);
    list = undefined;
    permit = undefined;
    row = '';
  };
  for (const { stage, table = '', key = '', result, source } of steps) {
    const mark = /^proof:(begin|end)-(\w+)$/.exec(table);
    if (mark?.[1] === 'end') close();
    else if (mark !== null) {
      if (mark[2] !== list) close();
      list = mark[2];
    } else if (stage === 'access' && !table.startsWith('proof:') && !/^not (found|listed)$/.test(result)) {
      row = ` (${source === undefined || source === table ? table : source}: ${key} ${result})`;
    } else if (stage === 'restriction') {
      const permitted = /^(.*): permit$/s.exec(result)?.[1];
      // The innermost speaks first; the name of the class around it adds nothing.
      if (permitted !== undefined) permit ??= `${describe(permitted)} permits${hasRow(permitted) ? row : ''}`;
    }
  }
  close();
  return path;
}

function hasRow(restriction: string): boolean {
  return /_access |^[a-z]\w*:|permit_mynetworks/.test(restriction);
}

/** Where to mend it: the relay or recipient list that permits, else the one that should refuse. */
export function placeOfPath(context: LintContext, server: Server, path: readonly string[], clientNote: string): Place {
  if (clientNote.includes('XCLIENT')) return context.placeOf('smtpd_authorized_xclient_hosts', server.settings);
  const listOf = (line: string): ListName | undefined =>
    listNames.find((name) => line.startsWith(`smtpd_${name}_restrictions: `));
  const asked = path.flatMap((line) => {
    const name = listOf(line);
    return name === 'relay' || name === 'recipient' ? [{ name, permits: line.includes(' permits') }] : [];
  });
  const name = (asked.find(({ permits }) => permits) ?? asked[0])?.name ?? 'relay';
  const isByNetwork = path.some((line) => line.startsWith(`smtpd_${name}_restrictions: permit_mynetworks permits`));
  if (isByNetwork && context.isSet('mynetworks')) return context.placeOf('mynetworks', server.settings);
  return restrictionList(context, server, name).place;
}

/** The shortest way to say it: what permits; where nothing does, the lists that should have refused. */
export function shortPath(path: readonly string[]): string {
  const relevant = path.filter((line) => /^smtpd_(relay|recipient)_restrictions: /.test(line));
  if (relevant.length === 0) return 'smtpd_relay_restrictions and smtpd_recipient_restrictions are empty';
  const permitting = relevant.filter((line) => line.includes(' permits'));
  return (permitting.length > 0 ? permitting : relevant).join('; ');
}
