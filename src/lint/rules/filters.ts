// Rules about content filters and address mappings (FILTER_README, receive_override_options): each message goes through
// virtual aliases once, on one side of the filter.

import type { MasterService } from '../../settings/services.ts';
import type { LintContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import { splitTransport } from '../transports-used.ts';

export const filterRules: readonly Rule[] = [
  {
    id: 'aliases-applied-twice',
    severity: 'warning',
    title: 'Mail goes through the aliases before a content filter and again behind it.',
    consequence:
      'Aliases are expanded again behind the filter: one that keeps a copy (a → a, b) delivers twice or four times, and a catch-all takes what an alias has led elsewhere.',
    mend: 'Set receive_override_options = no_address_mappings on exactly one side of the filter.',
    *check(context) {
      for (const { service, times, back } of mappings(context)) {
        if (times > 1) yield { place: service, text: `${service.name}: mapped before the filter and by ${back?.name}` };
      }
    },
  },
  {
    id: 'aliases-never-applied',
    severity: 'warning',
    title: 'no_address_mappings on every way that mail takes.',
    consequence:
      'Virtual aliases, canonical and BCC tables are not looked up: aliases are unknown users to the delivery agent.',
    mend: 'Leave no_address_mappings out for mail that does not come back from a filter.',
    *check(context) {
      for (const { service, times } of mappings(context)) {
        if (times === 0) yield { place: service, text: `${service.name}: no_address_mappings, and nothing maps later` };
      }
    },
  },
];

interface Mapping {
  readonly service: MasterService;
  /** How often a message that comes in here is mapped. */
  readonly times: number;
  /** Where it comes back from the filter. */
  readonly back: MasterService | undefined;
}

function* mappings(context: LintContext): Generator<Mapping> {
  if (context.text('virtual_alias_maps') === '') return;
  const isEntry = ({ command, type }: MasterService): boolean =>
    (command === 'smtpd' && type !== 'unix') || command === 'pickup';
  const entries = context.services.filter(isEntry);
  const back = entries.find((service) => isBehindFilter(context, service));
  for (const service of entries) {
    if (service === back) continue;
    const filter = splitTransport(context.text('content_filter', service.settings)).transport;
    const own = isMapping(context, service) ? 1 : 0;
    if (filter === '') {
      yield { service, times: own, back: undefined };
      continue;
    }
    // A filter that hands mail back by sendmail(1) comes in at pickup, of which nothing here shows.
    if (back === undefined || context.transport(filter)?.command === 'pipe') continue;
    yield { service, times: own + (isMapping(context, back) ? 1 : 0), back };
  }
}

function isMapping(context: LintContext, service: MasterService): boolean {
  return !context.list('receive_override_options', service.settings).includes('no_address_mappings');
}

/** A listener on loopback that has its filter switched off. */
function isBehindFilter(context: LintContext, service: MasterService): boolean {
  const isLoopback = /^(127\.[\d.]+|localhost|\[::1\]):/.test(service.name);
  return (
    isLoopback &&
    service.overrides['content_filter'] !== undefined &&
    context.text('content_filter', service.settings) === ''
  );
}
