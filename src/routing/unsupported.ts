// Parameters of routing that change where mail goes and that this program does not follow yet. A configuration that
// sets one is told so at the start: an address that is silently not rewritten goes to the wrong place.

import { formatOrigin } from '../settings/origin.ts';
import type { Settings } from '../settings/settings.ts';

export const unsupportedRoutingParameters = [
  'always_bcc',
  'canonical_maps',
  'content_filter',
  'mailbox_transport_maps',
  'masquerade_domains',
  'recipient_bcc_maps',
  'recipient_canonical_maps',
  'sender_bcc_maps',
  'sender_canonical_maps',
  'smtp_generic_maps',
] as const;

/** One line for each that has a value: `main.cf:12: canonical_maps is not supported yet: …`. */
export function reportUnsupportedRouting(settings: Settings): string[] {
  return unsupportedRoutingParameters
    .filter((name) => settings.isSet(name) && settings.expanded(name) !== '')
    .map((name) => `${formatOrigin(settings.origin(name))}: ${name} is not supported yet and has no effect`);
}
