// smtp_generic_maps and lmtp_generic_maps (generic(5)): what addresses become when mail leaves, in the envelope and in the
// header fields that hold addresses. Each address is looked up once, never the answer; a result is in standard form.

import { toExternal, toInternal } from '../address/form.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { RevisionSource } from '../tables/table.ts';
import { type Decision, decideAtOneRevision } from './decision.ts';
import type { AddressSearch } from './find-address.ts';
import { namesAddresses, rewriteFieldAddresses } from './header-rewriting.ts';
import { mapAddress, type MappingRules } from './map-address.ts';
import { openMaps, type OpenOptions } from './open-maps.ts';
import type { RoutingSettings } from './routing-settings.ts';

export interface GenericMapsOptions {
  readonly open: OpenOptions;
  readonly parameter: 'smtp_generic_maps' | 'lmtp_generic_maps';
  readonly routing: RoutingSettings;
  readonly revisions: RevisionSource;
  readonly search: (decision: Decision) => Omit<AddressSearch, 'asker' | 'stage' | 'externalOnly'>;
}

export class GenericMaps {
  readonly #options: GenericMapsOptions;
  readonly #rules: MappingRules;

  /** Throws SettingsError. */
  constructor(options: GenericMapsOptions) {
    this.#options = options;
    this.#rules = {
      maps: openMaps(options.open, options.parameter),
      standardForm: options.routing.standardForm,
      propagates: options.open.settings.list('propagate_unmatched_extensions').includes('generic'),
    };
  }

  get isEmpty(): boolean {
    return this.#rules.maps.isEmpty;
  }

  /** External forms; the null sender stays. Throws TemporaryError. */
  async map(address: string): Promise<string> {
    if (address === '' || this.isEmpty) return address;
    const internal = toInternal(address);
    const results = await decideAtOneRevision(this.#options.revisions, undefined, (decision) => {
      const search = { ...this.#options.search(decision), asker: decision, stage: 'generic', externalOnly: true };
      return mapAddress(search, this.#rules, internal);
    });
    if (results === undefined) return address;
    const [first] = results;
    if (first === undefined) throw new TemporaryError(`${this.#rules.maps.name}: the entry for ${address} is empty`);
    return toExternal(first);
  }

  /** A whole header field with its line ends; undefined where it stays as it is. Throws TemporaryError. */
  async rewriteField(field: Buffer): Promise<Buffer | undefined> {
    const colon = field.indexOf(':');
    if (!namesAddresses(field.toString('latin1', 0, colon).trimEnd().toLowerCase())) return undefined;
    return await rewriteFieldAddresses(field, this.#options.routing.headerTokenLimit, (address) => this.map(address));
  }
}
