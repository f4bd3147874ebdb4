// The options of `posthaste domain add` and `set` that limit what a domain holds, and that send its unknown users
// elsewhere, and how they are shown.

import type { Command } from 'commander';
import type { DomainLimits } from '../directory/domain-limits.ts';
import type { DomainInfo, DomainSettings } from '../directory/domains.ts';
import type { Settings } from '../settings/settings.ts';
import { CommandError } from './context.ts';
import { parseCount } from './limit-words.ts';
import { formatQuota, formatSize, parseSize } from './sizes.ts';

export interface HoldingOptions {
  readonly maxMailboxes?: number;
  readonly maxAliases?: number;
  readonly totalQuota?: number;
  readonly defaultQuota?: number;
  readonly maxQuota?: number;
  /** `--no-unknown-to` is false. */
  readonly unknownTo?: string | false;
}

export function addHoldingOptions(command: Command): Command {
  return command
    .option('--max-mailboxes <number>', 'how many mailboxes it may have; unlimited for any number', parseCount)
    .option('--max-aliases <number>', 'how many aliases it may have; unlimited for any number', parseCount)
    .option('--total-quota <size>', 'how much its mailboxes may hold together; unlimited for no limit', parseSize)
    .option('--default-quota <size>', 'the quota of a new mailbox where none is given', parseSize)
    .option('--max-quota <size>', 'the largest quota of one mailbox; unlimited for no limit', parseSize)
    .option('--unknown-to <transport>', 'where mail for addresses that are not here goes, as in smtp:[192.0.2.1]')
    .option('--no-unknown-to', 'refuse mail for addresses that are not here');
}

export function holdingSettings(options: HoldingOptions): Pick<DomainSettings, 'unknownTo'> & DomainLimits {
  const { maxMailboxes, maxAliases, totalQuota, defaultQuota, maxQuota, unknownTo } = options;
  return {
    ...(maxMailboxes === undefined ? {} : { maxMailboxes }),
    ...(maxAliases === undefined ? {} : { maxAliases }),
    ...(totalQuota === undefined ? {} : { totalQuotaBytes: totalQuota }),
    ...(defaultQuota === undefined ? {} : { defaultQuotaBytes: defaultQuota }),
    ...(maxQuota === undefined ? {} : { maxQuotaBytes: maxQuota }),
    ...(unknownTo === undefined ? {} : { unknownTo: unknownTo === false ? '' : unknownTo }),
  };
}

/** Mail that comes back to this host for an address that it has not would go round until it has passed too many hosts. */
export function refuseUnknownToSelf(settings: Settings, unknownTo: string | false | undefined): void {
  if (typeof unknownTo !== 'string') return;
  const [, nexthop = ''] = /^[^:]*:(.*)$/s.exec(unknownTo.trim()) ?? [];
  const [, literal, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(nexthop) ?? [];
  const host = (literal ?? name ?? '').toLowerCase();
  const isUsualPort = port === undefined || port === '25' || port === 'smtp';
  const names = [settings.text('myhostname'), ...settings.list('mydestination'), '127.0.0.1', '::1', 'ipv6:::1'];
  if (host === '' || !isUsualPort || !names.some((own) => own.toLowerCase() === host)) return;
  throw new CommandError(`${unknownTo} is this host, which would send the mail to itself: name the other host`);
}

export function holdingLines(info: DomainInfo): (readonly [string, string])[] {
  const { maxMailboxes, maxAliases, totalQuotaBytes, assignedQuotaBytes = 0, defaultQuotaBytes, maxQuotaBytes } = info;
  return [
    ...(info.unknownTo === undefined ? [] : [['unknown users', `go to ${info.unknownTo}`] as const]),
    ...(maxMailboxes === undefined ? [] : [['most mailboxes', String(maxMailboxes)] as const]),
    ...(maxAliases === undefined ? [] : [['most aliases', String(maxAliases)] as const]),
    ...(totalQuotaBytes === undefined
      ? []
      : [['total quota', `${formatSize(assignedQuotaBytes)} of ${formatQuota(totalQuotaBytes)} given out`] as const]),
    ...(defaultQuotaBytes === undefined ? [] : [['default quota', formatQuota(defaultQuotaBytes)] as const]),
    ...(maxQuotaBytes === undefined ? [] : [['largest quota', formatQuota(maxQuotaBytes)] as const]),
  ];
}
