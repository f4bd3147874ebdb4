// Where a mailbox's mail goes besides, and what it answers while its owner is away.

import { Button, Divider, Group, NumberInput, Radio, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AddressesField } from '../parts/addresses-field.tsx';
import { Form } from '../parts/form.tsx';
import type { MailboxInfo, MailboxPartProps } from './domain-mailbox-panel.tsx';

export function MailboxAway(props: MailboxPartProps) {
  return (
    <Stack gap="lg">
      <ForwardForm {...props} />
      <Divider />
      <VacationForm {...props} />
    </Stack>
  );
}

type Mode = NonNullable<MailboxInfo['forward']>['mode'];

function ForwardForm({ mailbox, planned, set }: MailboxPartProps) {
  const { t } = useTranslation();
  const before = mailbox.forward ?? { mode: 'keep' as const, to: [] };
  const [mode, setMode] = useState<Mode>(before.mode);
  const [to, setTo] = useState<readonly string[]>(before.to);
  const isSame = mode === before.mode && to.join(' ') === before.to.join(' ');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void set({ forward: mode === 'keep' && to.length === 0 ? null : { mode, to } });
      }}
    >
      <Stack>
        <Radio.Group label={t('Forward')} value={mode} onChange={(value) => setMode(value as Mode)}>
          <Stack gap="xs" mt="xs">
            <Radio value="keep" label={t('Mail stays here')} />
            <Radio value="both" label={t('Mail stays here, and a copy is forwarded')} />
            <Radio value="forward" label={t('Mail is forwarded, and nothing stays here')} />
          </Stack>
        </Radio.Group>
        {mode === 'keep' ? null : (
          <AddressesField
            label={t('Forwarded to')}
            domain={domainOf(mailbox.address)}
            value={to}
            onChange={setTo}
            required
          />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={isSame && mode === 'keep'}>
            {t('Save the forward')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function VacationForm({ mailbox, planned, set }: MailboxPartProps) {
  const { t } = useTranslation();
  const before = mailbox.vacation;
  const [isAway, setAway] = useState(before !== undefined);
  const [subject, setSubject] = useState(before?.subject ?? '');
  const [text, setText] = useState(before?.text ?? '');
  const [from, setFrom] = useState(dayOf(before?.from));
  const [until, setUntil] = useState(dayOf(before?.until));
  const [days, setDays] = useState<number | string>(before?.days ?? 7);
  const wanted = { subject, text, from: timeOf(from), until: timeOf(until, true), days: Number(days) || 7 };
  return (
    <Form onSubmit={() => set({ vacation: isAway ? wanted : null }, true)}>
      <Stack>
        <Switch
          label={t('Answer while its owner is away')}
          checked={isAway}
          onChange={(event) => setAway(event.currentTarget.checked)}
        />
        {isAway ? (
          <>
            <TextInput
              label={t('Subject')}
              description={t('Empty: Auto: and the subject of the message')}
              maxLength={255}
              value={subject}
              onChange={(event) => setSubject(event.currentTarget.value)}
            />
            <Textarea
              label={t('Text')}
              required
              autosize
              minRows={4}
              maxRows={14}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Group grow>
              <TextInput
                type="date"
                label={t('From')}
                value={from}
                onChange={(event) => setFrom(event.currentTarget.value)}
              />
              <TextInput
                type="date"
                label={t('To and including')}
                value={until}
                onChange={(event) => setUntil(event.currentTarget.value)}
              />
            </Group>
            <NumberInput
              label={t('One answer to a sender within so many days')}
              min={1}
              max={30}
              allowDecimal={false}
              value={days}
              onChange={setDays}
            />
          </>
        ) : null}
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={!isAway && before === undefined}>
            {t('Save the vacation')}
          </Button>
        </Group>
      </Stack>
    </Form>
  );
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** As a field of days has it, in the reader's time. */
function dayOf(time: number | undefined): string {
  if (time === undefined) return '';
  const day = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** The day's beginning or its end; 0 where none is given. */
function timeOf(day: string, isEnd = false): number {
  if (day === '') return 0;
  return new Date(`${day}T${isEnd ? '23:59:59' : '00:00:00'}`).getTime();
}
