// Where a mailbox's mail goes besides, and what it answers while its owner is away.

import { Button, Divider, Group, NumberInput, Radio, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { dayOf, endOfDay, startOfDay, useLastDayProblem } from '../own-mailbox/days.ts';
import { AddressesField } from '../parts/addresses-field.tsx';
import { DraftState, Form } from '../parts/form.tsx';
import { type MailboxInfo, type MailboxPartProps, useMailboxForm } from './domain-mailbox-form.ts';

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

function ForwardForm(props: MailboxPartProps) {
  const { t } = useTranslation();
  const { mailbox } = props;
  const { mode: oldMode = 'keep', to: oldTo = [] } = mailbox.forward ?? {};
  const { draft, planned, save } = useMailboxForm(props, { mode: oldMode, to: oldTo });
  const { mode, to } = draft.value;
  const isSame = mode === oldMode && to.join(' ') === oldTo.join(' ');
  return (
    <Form onSubmit={() => save({ forward: mode === 'keep' && to.length === 0 ? null : { mode, to } })}>
      <Stack>
        <DraftState draft={draft} change={planned} />
        <Radio.Group label={t('Forward')} value={mode} onChange={(value) => draft.set({ mode: value as Mode })}>
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
            onChange={(next) => draft.set({ to: next })}
            required
          />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={isSame && mode === 'keep'}>
            {t('Save the forward')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function VacationForm(props: MailboxPartProps) {
  const { t } = useTranslation();
  const before = props.mailbox.vacation;
  const { draft, planned, save } = useMailboxForm(props, {
    isAway: before !== undefined,
    subject: before?.subject ?? '',
    text: before?.text ?? '',
    from: dayOf(before?.from),
    until: dayOf(before?.until, -1),
    days: before?.days ?? (7 as number | string),
  });
  const { isAway, subject, text, from, until, days } = draft.value;
  const problem = useLastDayProblem(from, until);
  const [begin, end] = [startOfDay(from, before?.from), endOfDay(until, before?.until)];
  const wanted = { subject, text, from: begin, until: end, days: Number(days) || 7 };
  return (
    <Form onSubmit={() => save({ vacation: isAway ? wanted : null }, true)}>
      <Stack>
        <DraftState draft={draft} change={planned} />
        <Switch
          label={t('Answer while its owner is away')}
          checked={isAway}
          onChange={(event) => draft.set({ isAway: event.currentTarget.checked })}
        />
        {isAway ? (
          <>
            <TextInput
              label={t('Subject')}
              description={t('Empty: Auto: and the subject of the message')}
              maxLength={255}
              value={subject}
              onChange={(event) => draft.set({ subject: event.currentTarget.value })}
            />
            <Textarea
              label={t('Text')}
              required
              autosize
              minRows={4}
              maxRows={14}
              value={text}
              onChange={(event) => draft.set({ text: event.currentTarget.value })}
            />
            <Group grow>
              <TextInput
                type="date"
                label={t('From')}
                value={from}
                onChange={(event) => draft.set({ from: event.currentTarget.value })}
              />
              <TextInput
                type="date"
                label={t('To and including')}
                value={until}
                error={problem}
                onChange={(event) => draft.set({ until: event.currentTarget.value })}
              />
            </Group>
            <NumberInput
              label={t('One answer to a sender within so many days')}
              min={1}
              max={30}
              allowDecimal={false}
              value={days}
              onChange={(next) => draft.set({ days: next })}
            />
          </>
        ) : null}
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={planned.isBusy}
            disabled={isAway ? problem !== undefined : before === undefined}
          >
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
