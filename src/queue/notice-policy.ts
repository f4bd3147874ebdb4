// What main.cf says of notices: whom they go to besides the sender, what they return, and their words (bounce(5)).

import { readFileSync } from 'node:fs';
import {
  builtinTemplates,
  expandTemplate,
  parseTemplates,
  type Template,
  type TemplateParameters,
  type Templates,
  type Warn,
} from '../bounce/template.ts';
import { ExpansionError } from '../settings/expand.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';

/** The words of notify_classes (postconf(5)). */
export const noticeClasses = [
  'bounce',
  '2bounce',
  'data',
  'delay',
  'policy',
  'protocol',
  'resource',
  'software',
] as const;
export type NoticeClass = (typeof noticeClasses)[number];

export interface NoticeTemplate extends Omit<Template, 'text'> {
  /** With its $names replaced; latin1. */
  readonly text: readonly string[];
}

export interface NoticePolicy {
  readonly hostname: string;
  readonly mailName: string;
  readonly myorigin: string;
  /** bounce_size_limit: a longer message comes back as its header only. */
  readonly returnSizeLimit: number;
  readonly lifetimeSeconds: number;
  readonly classes: ReadonlySet<NoticeClass>;
  readonly bounceRecipient: string;
  readonly doubleBounceRecipient: string;
  readonly delayRecipient: string;
  /** For transcripts of SMTP sessions. */
  readonly errorRecipient: string;
  /** Whose own failures are never reported. */
  readonly doubleBounceSender: string;
  /** With VERP, one notice for each recipient. */
  readonly hasVerpBounces: boolean;
  readonly confirmsDelayCleared: boolean;
  readonly isThreaded: boolean;
  readonly templates: Readonly<Record<'failure' | 'delay' | 'success', NoticeTemplate>>;
}

/** Throws SettingsError for a word in notify_classes that is none. A template that cannot be used is told. */
export function readNoticePolicy(settings: Settings, warn: Warn): NoticePolicy {
  const hostname = settings.text('myhostname');
  const templates = readTemplates(settings.text('bounce_template_file'), warn);
  const parameters = templateParameters(settings);
  const template = (name: 'failure' | 'delay' | 'success') =>
    expanded(templates[name], builtinTemplates()[name], parameters, (text) => warn(`${name} template: ${text}`));
  return {
    hostname,
    mailName: settings.text('mail_name'),
    myorigin: settings.text('myorigin'),
    returnSizeLimit: settings.integer('bounce_size_limit'),
    lifetimeSeconds: settings.seconds('maximal_queue_lifetime'),
    classes: new Set(settings.list('notify_classes').map((word) => noticeClass(word, settings))),
    bounceRecipient: settings.text('bounce_notice_recipient'),
    doubleBounceRecipient: settings.text('2bounce_notice_recipient'),
    delayRecipient: settings.text('delay_notice_recipient'),
    errorRecipient: settings.text('error_notice_recipient'),
    doubleBounceSender: `${settings.text('double_bounce_sender')}@${hostname}`,
    hasVerpBounces: !settings.flag('disable_verp_bounces'),
    confirmsDelayCleared: settings.flag('confirm_delay_cleared'),
    isThreaded: settings.flag('enable_threaded_bounces'),
    templates: { failure: template('failure'), delay: template('delay'), success: template('success') },
  };
}

function noticeClass(word: string, settings: Settings): NoticeClass {
  const known = noticeClasses.find((one) => one === word.toLowerCase());
  if (known !== undefined) return known;
  const text = `notify_classes: unknown class "${word}": use some of ${noticeClasses.join(', ')}`;
  throw new SettingsError(text, 'notify_classes', settings.origin('notify_classes'));
}

/** The built-in ones where no file is named, or none can be read. */
export function readTemplates(file: string, warn: Warn): Templates {
  if (file === '') return builtinTemplates();
  try {
    return parseTemplates(readFileSync(file, 'latin1'), file, warn);
  } catch (error) {
    warn(`bounce_template_file: ${(error as Error).message}: the built-in templates are used`);
    return builtinTemplates();
  }
}

export function templateParameters(settings: Settings): TemplateParameters {
  return {
    parameter: (name) => (settings.raw(name) === undefined ? undefined : settings.expanded(name)),
    seconds: (name) => settings.seconds(name),
    isUnicode: settings.flag('smtputf8_enable'),
  };
}

function expanded(template: Template, builtin: Template, parameters: TemplateParameters, warn: Warn): NoticeTemplate {
  // Names of hosts are UTF-8 where they are (bounce(5)).
  const charset = (given: string) => (parameters.isUnicode && given.toLowerCase() === 'us-ascii' ? 'utf-8' : given);
  try {
    return { ...template, charset: charset(template.charset), text: expandTemplate(template, parameters) };
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    warn(`${error.message}: the built-in template is used`);
    return { ...builtin, charset: charset(builtin.charset), text: expandTemplate(builtin, parameters) };
  }
}
