// What the mailbox answers while its owner is away: from when until when, in which words, how often; as it will look.

import { Alert, Button, Card, Group, NumberInput, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Input } from '../api.ts';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Section } from '../parts/section.tsx';
import { useChange } from '../parts/use-change.ts';
import { OnOff } from '../account/on-off.tsx';
import { dayOf, endOfDay, startOfDay, useLastDayProblem } from './days.ts';
import type { Mailbox, OwnMailboxProps } from './overview-tab.tsx';

const maxDays = 30;
const usualDays = 7;

export function VacationTab({ mailbox, etag }: OwnMailboxProps) {
  const { t } = useTranslation();
  const change = useChange();
  const { address, vacation } = mailbox;
  const now = {
    from: dayOf(vacation?.from),
    until: dayOf(vacation?.until, -1),
    subject: vacation?.subject ?? '',
    text: vacation?.text ?? '',
    days: vacation?.days ?? usualDays,
  };
  const draft = useDraft(now, etag);
  const { from, until, subject, text, days } = draft.value;
  const problem = useLastDayProblem(from, until);
  const set = async (next: NonNullable<Input<'mailbox.set'>['vacation']> | null, done: string) => {
    if (await change.run(() => call('mailbox.set', { address, vacation: next }, draft), done)) draft.drop();
  };
  const save = () => {
    const [begin, end] = [startOfDay(from, vacation?.from), endOfDay(until, vacation?.until)];
    const next = { from: begin, until: end, subject, text, days };
    return set(next, t('Mail is answered while you are away'));
  };
  return (
    <Section
      title={t('Vacation')}
      note={t(
        'Whoever writes to you gets an answer by itself, each sender once within some days. Lists, newsletters and other programs get none.',
      )}
      state={<OnOff isOn={vacation !== undefined} />}
    >
      <VacationState vacation={vacation} />
      <Form onSubmit={save}>
        <Stack maw={680}>
          <DraftState draft={draft} change={change} />
          <Group grow align="flex-start" preventGrowOverflow={false}>
            <TextInput
              type="date"
              label={t('From')}
              description={t('Empty: at once')}
              value={from}
              onChange={(event) => draft.set({ from: event.currentTarget.value })}
            />
            <TextInput
              type="date"
              label={t('Until and with')}
              description={t('Empty: until you switch it off')}
              value={until}
              error={problem}
              onChange={(event) => draft.set({ until: event.currentTarget.value })}
            />
          </Group>
          <TextInput
            label={t('Subject')}
            description={t('Empty: "Auto:" and the subject of what is answered')}
            maxLength={255}
            value={subject}
            onChange={(event) => draft.set({ subject: event.currentTarget.value })}
          />
          <Textarea
            label={t('Text')}
            required
            autosize
            minRows={5}
            maxRows={20}
            value={text}
            onChange={(event) => draft.set({ text: event.currentTarget.value })}
          />
          <NumberInput
            label={t('Each sender hears once in so many days')}
            min={1}
            max={maxDays}
            allowDecimal={false}
            value={days}
            onChange={(value) => draft.set({ days: typeof value === 'number' ? value : usualDays })}
            w={380}
            maw="100%"
          />
          <Preview mailbox={mailbox} subject={subject} text={text} />
          <Group>
            <Button type="submit" loading={change.isBusy} disabled={problem !== undefined || text.trim() === ''}>
              {vacation === undefined ? t('Switch on') : t('Save')}
            </Button>
            {vacation === undefined ? null : (
              <Button variant="light" color="red" onClick={() => void set(null, t('Mail is answered no more'))}>
                {t('Switch off')}
              </Button>
            )}
          </Group>
        </Stack>
      </Form>
    </Section>
  );
}

function VacationState({ vacation }: { readonly vacation: Mailbox['vacation'] }) {
  const { t } = useTranslation();
  if (vacation === undefined) return null;
  const now = Date.now();
  const { from = 0, until } = vacation;
  const words =
    until !== undefined && until <= now
      ? t('It was over on {{time}}: nothing is answered.', { time: formatTime(until) })
      : from > now
        ? t('It begins on {{time}}.', { time: formatTime(from) })
        : until === undefined
          ? t('Mail is answered now, until you switch it off.')
          : t('Mail is answered now, until {{time}}.', { time: formatTime(until) });
  return (
    <Alert color="blue" variant="light" icon={<Icon name="light" />}>
      {words}
    </Alert>
  );
}

function Preview({ mailbox, subject, text }: { mailbox: Mailbox; subject: string; text: string }) {
  const { t } = useTranslation();
  if (text.trim() === '') return null;
  const { name, address } = mailbox;
  const rows = [
    [t('From'), name === '' ? address : `${name} <${address}>`],
    [t('Subject'), subject.trim() === '' ? `Auto: ${t('Subject of the message')}` : subject.trim()],
  ] as const;
  return (
    <Card withBorder component="section" aria-label={t('Preview')} p="md">
      <Text size="sm" fw={600} mb="xs">
        {t('As it will look')}
      </Text>
      <dl className="facts">
        {rows.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Text size="sm" mt="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {text}
      </Text>
    </Card>
  );
}
