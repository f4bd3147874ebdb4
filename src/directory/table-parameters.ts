// Which parameter of main.cf asks each of the tables that many directories have no rows for. What the first start writes
// names them all; a main.cf that is older, or somebody's own, may not, and then the rows have no effect.

import type { DirectoryLookups } from './lookups.ts';
import type { PlaceKind } from './place-lookups.ts';

export interface TableParameter {
  /** As `directory:sender-bcc`. */
  readonly table: string;
  readonly parameter: string;
  /** What the parameter's value has to hold. */
  readonly words: string;
}

function bccParameter(side: 'sender' | 'recipient'): TableParameter {
  return { table: `directory:${side}-bcc`, parameter: `${side}_bcc_maps`, words: `directory:${side}-bcc` };
}

function accessParameter(stage: 'client' | 'helo' | 'sender' | 'recipient'): TableParameter {
  const table = `directory:${stage}-access`;
  return { table, parameter: `smtpd_${stage}_restrictions`, words: `check_${stage}_access ${table}` };
}

export const tableParameters: Readonly<Record<PlaceKind | 'relay-recipients', TableParameter>> = {
  transport: { table: 'directory:transports', parameter: 'transport_maps', words: 'directory:transports' },
  'relay-recipients': {
    table: 'directory:relay-recipients',
    parameter: 'relay_recipient_maps',
    words: 'directory:relay-recipients',
  },
  'sender-bcc': bccParameter('sender'),
  'recipient-bcc': bccParameter('recipient'),
  'client-access': accessParameter('client'),
  'helo-access': accessParameter('helo'),
  'sender-access': accessParameter('sender'),
  'recipient-access': accessParameter('recipient'),
};

/** The tables that have rows; whether a relay domain lists its recipients is for others to say. */
export function tablesInUse(lookups: DirectoryLookups): string[] {
  return Object.entries(tableParameters)
    .filter(([kind]) => kind !== 'relay-recipients' && lookups.places.has(kind as PlaceKind))
    .map(([, { table }]) => table);
}
