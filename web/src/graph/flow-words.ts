// What a flow's boxes and lines are called.

import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { shownNames } from '../parts/shown-name.ts';
import type { Flow, FlowChange } from './layout.ts';

type Told = Output<'explain.show'>['items'][number];
export type ToldNode = Told['flow']['nodes'][number];
export type ToldKind = ToldNode['kind'];
export type ToldState = NonNullable<ToldNode['state']>;

/** The row behind a line, as far as its name matters. */
interface Row {
  readonly table?: string | undefined;
  readonly result?: string | undefined;
  readonly source?: string | undefined;
  readonly stage?: string | undefined;
}

export interface FlowWords {
  readonly kind: (kind: ToldKind) => string;
  readonly state: (state: ToldState) => string;
  readonly stage: (stage: string, row?: Row) => string;
  readonly change: (change: FlowChange) => string;
}

export function useFlowWords(): FlowWords {
  const { t } = useTranslation();
  return useMemo(() => flowWords(t), [t]);
}

function flowWords(t: TFunction): FlowWords {
  const kinds: Readonly<Record<ToldKind, string>> = {
    door: t('Door'),
    address: t('Address'),
    mailbox: t('Mailbox'),
    list: t('Mailing list'),
    program: t('Program'),
    file: t('File'),
    answer: t('Vacation answer'),
    mailed: t('Mailed on'),
    outside: t('Leaves the host'),
    elsewhere: t('Elsewhere'),
    refused: t('Refused'),
    deferred: t('Put off'),
    failed: t('Could not be found out'),
    discarded: t('Thrown away'),
  };
  const states: Readonly<Record<ToldState, string>> = {
    missing: t('not there: mail bounces'),
    off: t('switched off'),
    full: t('full'),
    maintenance: t('in maintenance'),
    loop: t('goes round in a circle'),
    more: t('more'),
    shadowed: t('hidden: its mail goes elsewhere'),
    unreached: t('gets no mail'),
  };
  const stages: Readonly<Record<string, string>> = {
    rcpt: t('comes in'),
    'virtual-alias': t('alias'),
    canonical: t('rewritten'),
    rewrite: t('rewritten'),
    bcc: t('blind copy'),
    order: t('ordered by an access table'),
    'local-alias': t('local alias'),
    local: t('local delivery'),
    'list-member': t('member'),
    vacation: t('answers'),
    'alias-domain': t('alias domain'),
    shadowed: t('does not get its mail'),
    'not-reached': t('does not arrive'),
    transport: t('transport'),
    'sender-transport': t("sender's transport"),
    relocated: t('has moved'),
    class: t('hosted domain'),
    reply: t('refused'),
  };
  const changeWords: Readonly<Record<FlowChange, string>> = {
    added: t('added'),
    removed: t('gone'),
    changed: t('changed'),
  };
  const stage = (name: string, row?: Row): string => {
    if (row?.result?.startsWith('error:')) return t('could not be asked');
    const source = row?.source ?? '';
    if (name === 'virtual-alias' && source.includes('(forward)')) return t('forward');
    if (name === 'virtual-alias' && source.includes('(catch-all')) return t('catch-all');
    if (name === 'virtual-alias' && source.includes('(alias domain)')) return t('alias domain');
    if (name === 'virtual-alias' && source.includes('(owners)')) return t('owners of the list');
    if (name === 'delivery') return row?.stage === undefined ? t('usual way out') : (stages[row.stage] ?? row.stage);
    if (name === 'reply' && row?.stage === 'restriction') return row.result?.split(':', 1)[0] ?? t('refused');
    if (name === 'reply' && row?.stage === 'quota') return t('mailbox');
    return stages[name] ?? name;
  };
  return {
    kind: (kind) => kinds[kind],
    state: (state) => states[state],
    stage,
    change: (change) => changeWords[change],
  };
}

/** With its names as people read them; ids stay. */
export function shownFlow({ nodes, edges }: Flow): Flow {
  return {
    nodes: nodes.map(({ title, note, ...rest }) => ({
      ...rest,
      title: shownNames(title),
      ...(note === undefined ? {} : { note: shownNames(note) }),
    })),
    edges: edges.map(({ label, row, ...rest }) => ({
      ...rest,
      ...(label === undefined ? {} : { label: shownNames(label) }),
      ...(row === undefined ? {} : { row: shownNames(row) }),
    })),
  };
}

/** The key, where it is not the address itself, and the row: `@example.com · aliases row 12`, `virtual:4`. */
export function shortRow(
  {
    table = '',
    key = '',
    source,
  }: { table?: string | undefined; key?: string | undefined; source?: string | undefined },
  from: string,
): string {
  const address = from.toLowerCase();
  const isOwn = key.toLowerCase() === address || address.endsWith(`@${key.toLowerCase()}`);
  const place = source ?? table;
  const row = place.startsWith('directory:')
    ? place.slice('directory:'.length).replace(/ \(.*\)$/, '')
    : place.slice(place.lastIndexOf('/') + 1);
  // A row that is named by its key says it once.
  return [isOwn || row.includes(key) ? '' : key, row].filter((word) => word !== '').join(' · ');
}
