// smtpd_reject_footer and smtpd_reject_footer_maps (postconf(5)): whom to ask for help, added to every refusal that the
// client hears; the log has the refusal alone. `\c` at the beginning goes on in the refusal's last line, `\n` begins
// a new one.

import { TemporaryError } from '../lib/temporary-error.ts';
import { Decision } from '../routing/decision.ts';
import { openMaps, type OpenOptions } from '../routing/open-maps.ts';
import type { Reply } from '../routing/types.ts';
import { ExpansionError } from '../settings/expand.ts';
import type { Maps } from '../tables/maps.ts';
import type { MailRequest } from './mail-request.ts';
import { ReplyTemplates, requestAttribute } from './reply-template.ts';

export class RejectFooter {
  readonly #options: OpenOptions;
  readonly #footer: string;
  readonly #maps: Maps;
  readonly #templates: ReplyTemplates;

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#footer = options.settings.text('smtpd_reject_footer');
    this.#maps = openMaps(options, 'smtpd_reject_footer_maps');
    this.#templates = new ReplyTemplates(options.settings);
  }

  get isEmpty(): boolean {
    return this.#footer === '' && this.#maps.isEmpty;
  }

  /** The refusal as the client hears it. `now` for $localtime. */
  async addTo(refusal: Reply, request: MailRequest, now: number): Promise<Reply> {
    const template = await this.#find(refusal);
    if (template === '') return refusal;
    const { settings, warn } = this.#options;
    let footer: string;
    try {
      footer = this.#templates.fill(template, (name) => {
        if (name === 'localtime') return localTime(now);
        return name === 'server_name' ? settings.text('myhostname') : requestAttribute(request, name);
      });
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      warn(`smtpd_reject_footer: ${error.message}`);
      return refusal;
    }
    const isSameLine = footer.startsWith('\\c');
    const lines = (isSameLine ? footer.slice(2) : footer).split('\\n').join('\n');
    return { ...refusal, text: `${refusal.text}${isSameLine ? '' : '\n'}${lines}` };
  }

  async #find({ code, status, text }: Reply): Promise<string> {
    try {
      const found = await this.#maps.find(new Decision(false), 'reject-footer', `${code} ${status} ${text}`, 'full');
      return found?.value ?? this.#footer;
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#options.warn(error.message);
      return this.#footer;
    }
  }
}

/** `Nov 21 11:42:00`, as in the log. */
function localTime(now: number): string {
  const [, month = '', day = '', , time = ''] = new Date(now).toString().split(' ');
  return `${month} ${day} ${time}`;
}
