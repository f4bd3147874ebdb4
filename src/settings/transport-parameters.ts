// Parameters whose name begins with a transport's: `smtp_destination_concurrency_limit` and so on. Every service
// of master.cf that delivers has them; unset, each takes the value of its `default_...` (postconf(5), qmgr(8)).

const suffixes = {
  delivery_slot_cost: 'default_delivery_slot_cost',
  delivery_slot_discount: 'default_delivery_slot_discount',
  delivery_slot_loan: 'default_delivery_slot_loan',
  destination_concurrency_failed_cohort_limit: 'default_destination_concurrency_failed_cohort_limit',
  destination_concurrency_limit: 'default_destination_concurrency_limit',
  destination_concurrency_negative_feedback: 'default_destination_concurrency_negative_feedback',
  destination_concurrency_positive_feedback: 'default_destination_concurrency_positive_feedback',
  destination_recipient_limit: 'default_destination_recipient_limit',
  extra_recipient_limit: 'default_extra_recipient_limit',
  initial_destination_concurrency: 'initial_destination_concurrency',
  minimum_delivery_slots: 'default_minimum_delivery_slots',
  recipient_limit: 'default_recipient_limit',
  recipient_refill_limit: 'default_recipient_refill_limit',
} as const;

const timeSuffixes = {
  destination_rate_delay: 'default_destination_rate_delay',
  recipient_refill_delay: 'default_recipient_refill_delay',
  transport_rate_delay: 'default_transport_rate_delay',
  /** pipe(8) and spawn(8) only. */
  time_limit: 'command_time_limit',
} as const;

export type TransportSuffix = keyof typeof suffixes;
export type TransportTimeSuffix = keyof typeof timeSuffixes;

const allSuffixes: ReadonlyMap<string, string> = new Map(Object.entries({ ...suffixes, ...timeSuffixes }));

/** The default, when the name is some transport's: `$default_...`, or the number that Postfix gives local(8). */
export function transportDefault(name: string): string | undefined {
  const parts = splitTransportParameter(name);
  return parts === undefined ? undefined : `$${allSuffixes.get(parts.suffix)}`;
}

/** `relay_destination_rate_delay` is { transport: 'relay', suffix: 'destination_rate_delay' }. */
export function splitTransportParameter(name: string): { transport: string; suffix: string } | undefined {
  // The first underscore that leaves a known suffix makes the longest one, so `x_destination_recipient_limit`
  // is never read as the `recipient_limit` of a transport `x_destination`.
  for (let at = name.indexOf('_'); at > 0; at = name.indexOf('_', at + 1)) {
    const suffix = name.slice(at + 1);
    if (allSuffixes.has(suffix)) return { transport: name.slice(0, at), suffix };
  }
  return undefined;
}

/** All names for one transport, as postconf lists them; time_limit only where a command is run. */
export function transportParameterNames(transport: string, runsCommand: boolean): string[] {
  return [...allSuffixes.keys()]
    .filter((suffix) => runsCommand || suffix !== 'time_limit')
    .map((suffix) => `${transport}_${suffix}`);
}

export function isTimeSuffix(suffix: string): boolean {
  return suffix in timeSuffixes;
}
