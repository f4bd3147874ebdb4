// The templates of bounce(5): header and text of the four kinds of notices, the built-in ones or those of
// bounce_template_file. A template that cannot be used is told and the built-in one stands in for it: nobody's notice
// waits for a mended file (Postfix's bounce(8) would end, and all bounces with it).
//
// A file may be in any charset that contains ASCII: its octets pass unchanged, as a latin1 string here.

import { domainToUnicode } from 'node:url';
import { logicalLines } from './template-lines.ts';
import { builtinSource } from './text.ts';
import { ExpansionError, expand, referencedNames } from '../settings/expand.ts';

export type TemplateName = 'failure' | 'delay' | 'success' | 'verify';
export const templateNames: readonly TemplateName[] = ['failure', 'delay', 'success', 'verify'];

export interface Template {
  readonly charset: string;
  readonly from: string;
  readonly subject: string;
  /** Of the postmaster's copy. */
  readonly postmasterSubject: string;
  /** Lines with their $names; latin1. */
  readonly text: readonly string[];
}

export type Templates = Readonly<Record<TemplateName, Template>>;
export type Warn = (text: string) => void;

/** What $names stand for: main.cf's parameters, as text; undefined for one that nobody has defined. */
export interface TemplateParameters {
  parameter(name: string): string | undefined;
  seconds(name: 'delay_warning_time' | 'maximal_queue_lifetime'): number;
  /** smtputf8_enable: names of hosts are shown as people write them. */
  readonly isUnicode: boolean;
}

const labels: ReadonlyMap<string, Exclude<keyof Template, 'text'>> = new Map([
  ['charset', 'charset'],
  ['from', 'from'],
  ['subject', 'subject'],
  ['postmaster-subject', 'postmasterSubject'],
]);

const fallback: Template = { charset: 'us-ascii', from: '', subject: '', postmasterSubject: '', text: [] };

/** `file` is for warnings. */
export function parseTemplates(
  source: string,
  file: string,
  warn: Warn,
  base: Templates = builtinTemplates(),
): Templates {
  const templates: Record<TemplateName, Template> = { ...base };
  for (const { name, lines } of logicalLines(source, file, warn)) {
    const known = templateNames.find((one) => name === `${one}_template`);
    if (known === undefined) {
      warn(`${file}: unknown template name: ${name} -- ignoring this template`);
      continue;
    }
    const template = parseTemplate(lines, templates[known]);
    if (typeof template === 'string') warn(`${file}: ${template} in ${known} template -- ignoring this template`);
    else templates[known] = template;
  }
  return templates;
}

export function builtinTemplates(): Templates {
  const none = { failure: fallback, delay: fallback, success: fallback, verify: fallback };
  return parseTemplates(builtinSource, '[built-in]', () => undefined, none);
}

/** What stands before an empty line is a header where it looks like one; without a header all is text. */
function parseTemplate(lines: readonly string[], base: Template): Template | string {
  const fields = { ...base };
  let at = 0;
  for (; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.trim() === '') {
      at++;
      break;
    }
    const [, label = '', value = ''] = /^([!-9;-~]+)[ \t]*:[ \t]*(.*)$/.exec(line) ?? [];
    // Text begins where no header does.
    if (label === '') break;
    const key = labels.get(label.toLowerCase());
    if (key === undefined) return `unknown "${label}" header label`;
    if (value.trim() === '') return `empty "${label}" header value`;
    if (/[^\x20-\x7e\t]/.test(value)) return `non-ASCII "${label}" header value`;
    fields[key] = value.trim();
  }
  const text = lines.slice(at);
  return text.length === 0 ? 'missing message text' : { ...fields, text };
}

const timeUnits: Readonly<Record<string, number>> = {
  seconds: 1,
  minutes: 60,
  hours: 3600,
  days: 86_400,
  weeks: 604_800,
};
const timeName = /^(delay_warning_time|maximal_queue_lifetime)_(seconds|minutes|hours|days|weeks)$/;

/** The text with its $names replaced, line by line; latin1. Throws ExpansionError. */
export function expandTemplate({ text }: Template, parameters: TemplateParameters): string[] {
  return text.map((line) => {
    for (const name of referencedNames(line)) {
      if (valueOf(name, parameters) === undefined) throw new ExpansionError(`undefined $${name} in "${line}"`);
    }
    return expand(line, (name) => octets(valueOf(name, parameters)));
  });
}

function valueOf(name: string, parameters: TemplateParameters): string | undefined {
  const [, time, unit = ''] = timeName.exec(name) ?? [];
  if (time !== undefined) {
    const seconds = parameters.seconds(time as 'delay_warning_time' | 'maximal_queue_lifetime');
    return String(Math.floor(seconds / (timeUnits[unit] ?? 1)));
  }
  const value = parameters.parameter(name);
  const isName = name === 'myhostname' || name === 'mydomain';
  return value !== undefined && isName && parameters.isUnicode ? domainToUnicode(value) || value : value;
}

/** UTF-8 as the latin1 string of its octets; a `$` in a value is no reference any more. */
function octets(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('latin1').replaceAll('$', '$$$$');
}

/** As `postconf -t` shows them. */
export function printTemplates(templates: Templates): string[] {
  return templateNames.flatMap((name, index) => {
    const { charset, from, subject, postmasterSubject, text } = templates[name];
    const header = [`Charset: ${charset}`, `From: ${from}`, `Subject: ${subject}`];
    if (postmasterSubject !== '') header.push(`Postmaster-Subject: ${postmasterSubject}`);
    return [...(index === 0 ? [] : ['']), `${name}_template = <<EOF`, ...header, '', ...text, 'EOF'];
  });
}

/** As `postconf -b` shows them. Throws ExpansionError. */
export function printExpanded(templates: Templates, parameters: TemplateParameters): string[] {
  return templateNames.flatMap((name, index) => [
    ...(index === 0 ? [] : ['']),
    `expanded_${name}_text = <<EOF`,
    ...expandTemplate(templates[name], parameters),
    'EOF',
  ]);
}
