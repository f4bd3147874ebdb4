// The words for what was done to an object: `mailbox.add` is "Mailbox added".

import { useTranslation } from 'react-i18next';

export interface ActionWords {
  readonly text: string;
  readonly color: string;
}

/** What the directory's events are about, in the order in which people look for it. */
export function useAreaWords(): Readonly<Record<string, string>> {
  const { t } = useTranslation();
  return {
    domain: t('Domain'),
    'alias-domain': t('Alias domain'),
    mailbox: t('Mailbox'),
    alias: t('Alias'),
    list: t('List'),
    'list-member': t('Member of a list'),
    'catch-all': t('Catch-all'),
    'relay-recipient': t('Recipient of a relay domain'),
    'sender-login': t('Right to send'),
    'app-password': t('App password'),
    transport: t('Transport'),
    bcc: t('Copy (BCC)'),
    access: t('Access rule'),
    tag: t('Tags'),
    admin: t('Administrator'),
    token: t('Token'),
    webhook: t('Webhook'),
    'second-factor': t('Second factor'),
    setting: t('Setting'),
    parameter: t('Parameter'),
    revision: t('Revision'),
  };
}

export function useActionWords(): (action: string, object: string) => ActionWords {
  const { t } = useTranslation();
  const areas = useAreaWords();
  const verbs: Readonly<Record<string, readonly [string, string]>> = {
    add: [t('added'), 'green'],
    remove: [t('removed'), 'red'],
    set: [t('changed'), 'blue'],
    rename: [t('renamed'), 'blue'],
    restore: [t('restored'), 'green'],
    purge: [t('deleted for good'), 'red'],
    accept: [t('accepted'), 'green'],
    refuse: [t('refused'), 'red'],
    forget: [t('forgotten'), 'gray'],
    revert: [t('undone'), 'grape'],
  };
  return (action, object) => {
    const [kind = '', verb = ''] = action.split('.');
    // A catch-all is an alias of what stands before no @.
    const area = kind === 'alias' && object.startsWith('@') ? 'catch-all' : kind;
    const [word, color] = verbs[verb] ?? [verb, 'gray'];
    return { text: `${areas[area] ?? area}: ${word}`, color };
  };
}
