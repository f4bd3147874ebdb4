// What is asked: an address, and for who wants to know more, who sends it from where, when, and where it was expected.

import { Button, Card, Collapse, Group, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { formatTime } from '../parts/format.ts';
import { useSession } from '../session.tsx';

/** The words of the view's address. */
export interface ExplainSearch {
  readonly address?: string;
  readonly sender?: string;
  readonly client?: string;
  readonly clientName?: string;
  readonly helo?: string;
  readonly login?: string;
  /** The directory as it was. */
  readonly revision?: string;
  /** Beside the present, or beside `revision`. */
  readonly compare?: string;
  /** Where the mail was expected. */
  readonly not?: string;
  /** The line or box that is looked at. */
  readonly open?: string;
}

interface FormProps {
  readonly search: ExplainSearch;
  readonly onAsk: (search: ExplainSearch) => void;
}

export function ExplainForm({ search, onAsk }: FormProps) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(search);
  const { sender, client, clientName, helo, login, revision, compare } = search;
  const hasMore = [sender, client, clientName, helo, login, revision, compare].some((value) => value !== undefined);
  const [isMore, { toggle }] = useDisclosure(hasMore);
  const set = (name: keyof ExplainSearch, value: string) => setDraft({ ...draft, [name]: value });
  const field = (name: keyof ExplainSearch, label: string, placeholder: string, type?: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={draft[name] ?? ''}
      type={type}
      onChange={(event) => set(name, event.currentTarget.value)}
      autoCapitalize="none"
      autoComplete="off"
      spellCheck={false}
    />
  );
  const ask = () => {
    const { open: _, ...rest } = draft;
    const given = Object.entries(rest).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : []));
    onAsk(Object.fromEntries(given));
  };
  return (
    <Card withBorder mb="md" component="search">
      <Form onSubmit={ask}>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {field('address', t('Mail for'), 'anna@example.com')}
          {field('not', t('Why not to?'), t('where you expected it: optional'))}
        </SimpleGrid>
        <Collapse expanded={isMore}>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 5 }} mt="sm">
            {field('sender', t('Sender'), t('anybody'))}
            {field('login', t('Logged in as'), t('nobody'))}
            {field('client', t("The client's IP address"), t('a stranger'))}
            {field('clientName', t("The client's name"), t('unknown'))}
            {field('helo', t('It says EHLO'), t('nothing'))}
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
            <Moment
              label={t('The directory as it was')}
              value={draft.revision}
              onChange={(value) => set('revision', value)}
            />
            <Moment label={t('Compared with')} value={draft.compare} onChange={(value) => set('compare', value)} />
          </SimpleGrid>
        </Collapse>
        <Group mt="md">
          <Button type="submit">{t('Show the way')}</Button>
          <Button variant="subtle" onClick={toggle} aria-expanded={isMore}>
            {isMore ? t('Fewer questions') : t('Sender, client, login, time …')}
          </Button>
        </Group>
      </Form>
    </Card>
  );
}

interface MomentProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
}

/** The host chooses among revisions; to others, whose numbers they do not see, a time is enough. */
function Moment(props: MomentProps) {
  const { role } = useSession();
  return role === 'host' ? <Revision {...props} /> : <Time {...props} />;
}

function Time({ label, value, onChange }: MomentProps) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function Revision({ label, value, onChange }: MomentProps) {
  const { t } = useTranslation();
  const { data } = useCall('revision.list', { limit: 200 });
  const known = (data?.items ?? []).map(({ revision, time, changes, count }) => {
    const [first] = changes;
    const what = first === undefined ? '' : `${first.action} ${first.object}`;
    const more = count > 1 ? ` + ${count - 1}` : '';
    return { value: String(revision), label: `${revision} · ${formatTime(time)} · ${what}${more}` };
  });
  const isKnown = value === undefined || value === '' || known.some((one) => one.value === value);
  return (
    <Select
      label={label}
      placeholder={t('now')}
      data={isKnown ? known : [{ value, label: value }, ...known]}
      value={value === '' ? null : (value ?? null)}
      onChange={(chosen) => onChange(chosen ?? '')}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('Clear') }}
      nothingFoundMessage={t('No such revision')}
      limit={100}
    />
  );
}
