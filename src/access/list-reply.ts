// The reply to who stands on a block list: default_rbl_reply, or the template that rbl_reply_maps has for the list.
// What comes from outside (names, the list's own text) is put in as it is, never expanded, and only the characters of
// smtpd_expansion_filter pass.

import { ExpansionError } from '../settings/expand.ts';
import type { Settings } from '../settings/settings.ts';
import type { Maps } from '../tables/maps.ts';
import type { Reply } from '../routing/types.ts';
import { splitStatus, withClass } from '../routing/listed.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { fitStatus } from '../routing/fit-status.ts';
import { type Evaluation, serverError } from './evaluation.ts';
import { ReplyTemplates, requestAttribute } from './reply-template.ts';

export interface Listing {
  /** As written in the restriction, with its address pattern. */
  readonly list: string;
  readonly domain: string;
  /** The address or name that is listed. */
  readonly what: string;
  /** The list's TXT record, or ''. */
  readonly reason: string;
}

const unavailable: Reply = { code: 450, status: '4.7.1', text: 'Service unavailable' };

export class ListReplies {
  readonly #template: string;
  readonly #code: number;
  readonly #maps: Maps;
  readonly #templates: ReplyTemplates;

  constructor(settings: Settings, maps: Maps) {
    this.#template = settings.text('default_rbl_reply');
    this.#code = settings.integer('maps_rbl_reject_code');
    this.#maps = maps;
    this.#templates = new ReplyTemplates(settings);
  }

  async refusal(evaluation: Evaluation, listing: Listing): Promise<Reply> {
    let template: string | undefined;
    try {
      template = (await this.#maps.find(evaluation.decision, 'rbl-reply', listing.list, 'full'))?.value;
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      evaluation.warn(error.message);
      return serverError;
    }
    return parse(evaluation, this.#fill(evaluation, listing, template));
  }

  #fill(evaluation: Evaluation, listing: Listing, template: string | undefined): string {
    const lookup = (name: string): string | undefined => this.#attribute(evaluation, listing, name);
    if (template !== undefined) {
      try {
        return this.#templates.fill(template, lookup);
      } catch (error) {
        if (!(error instanceof ExpansionError)) throw error;
        evaluation.warn(`bad rbl reply template for domain ${listing.domain}: ${template}: ${error.message}`);
      }
    }
    try {
      return this.#templates.fill(this.#template, lookup);
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      return `bad default rbl reply template: ${error.message}`;
    }
  }

  #attribute(evaluation: Evaluation, listing: Listing, name: string): string | undefined {
    switch (name) {
      case 'rbl_code':
        return `${this.#code}`;
      case 'rbl_domain':
        return listing.domain;
      case 'rbl_reason':
      case 'rbl_txt':
        return listing.reason;
      case 'rbl_what':
        return listing.what;
      case 'rbl_class':
        return evaluation.className;
      default:
        return requestAttribute(evaluation.request, name);
    }
  }
}

function parse(evaluation: Evaluation, text: string): Reply {
  const match = /^([45]\d\d) (.*)$/s.exec(text);
  if (match === null) {
    evaluation.warn(`rbl response code configuration error: ${text}`);
    return unavailable;
  }
  const code = Number(match[1]);
  const split = splitStatus((match[2] as string).trimStart(), '4.7.1');
  const status = withClass(fitStatus(split.status, evaluation.kind), code);
  return { code, status, text: split.text || 'Service unavailable' };
}
