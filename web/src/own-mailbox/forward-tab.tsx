// Where the mailbox's mail goes on to, and whether a copy stays. It is said plainly what will happen before it is saved.

import { Alert, Button, Group, Radio, Stack, TagsInput, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call } from '../api.ts';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { Section } from '../parts/section.tsx';
import { useChange } from '../parts/use-change.ts';
import type { OwnMailboxProps } from './overview-tab.tsx';

type Mode = 'keep' | 'both' | 'forward';

export function ForwardTab({ mailbox, etag }: OwnMailboxProps) {
  const { t } = useTranslation();
  const change = useChange();
  const { address, forward } = mailbox;
  const { mode: oldMode = 'keep', to: oldTo = [] } = forward ?? {};
  const draft = useDraft({ mode: oldMode, to: oldTo, typed: '' }, etag);
  const { mode, to, typed } = draft.value;
  // What stands in the field counts too, also where nobody has pressed Enter.
  const targets = typed.trim() === '' ? to : [...new Set([...to, typed.trim()])];
  const isForwarded = mode !== 'keep';
  const wrong = isForwarded ? targets.find((one) => !/^[^\s@]+@[^\s@]+$/.test(one)) : undefined;
  const isChanged = mode !== oldMode || targets.join() !== oldTo.join();
  const save = async () => {
    const next = isForwarded ? { mode, to: targets } : null;
    const isSaved = await change.run(
      () => call('mailbox.set', { address, forward: next }, draft),
      isForwarded ? t('Mail is forwarded from now on') : t('Mail is forwarded no more'),
    );
    if (isSaved) draft.drop();
  };
  return (
    <Section title={t('Forward')} note={t('Send the mail of this mailbox on to other addresses.')}>
      <Form onSubmit={save}>
        <Stack maw={620}>
          <DraftState draft={draft} change={change} />
          <Radio.Group label={t('New mail')} value={mode} onChange={(value) => draft.set({ mode: value as Mode })}>
            <Stack gap="xs" mt="xs">
              <Radio value="keep" label={t('stays here')} />
              <Radio value="both" label={t('stays here, and a copy goes on')} />
              <Radio value="forward" label={t('goes on, and nothing stays here')} />
            </Stack>
          </Radio.Group>
          {isForwarded ? (
            <TagsInput
              label={t('To these addresses')}
              description={t('Several are possible: Enter or a comma after each')}
              placeholder={to.length === 0 ? 'name@example.org' : ''}
              value={[...to]}
              onChange={(next) => draft.set({ to: next })}
              searchValue={typed}
              onSearchChange={(text) => draft.set({ typed: text })}
              splitChars={[',', ';', ' ']}
              maxTags={50}
              error={wrong === undefined ? undefined : t('"{{address}}" is no address', { address: wrong })}
            />
          ) : null}
          {wrong === undefined ? <Effect mode={mode} address={address} to={targets} /> : null}
          <Group>
            <Button
              type="submit"
              loading={change.isBusy}
              disabled={!isChanged || wrong !== undefined || (isForwarded && targets.length === 0)}
            >
              {t('Save')}
            </Button>
          </Group>
        </Stack>
      </Form>
    </Section>
  );
}

function Effect({ mode, address, to }: { mode: Mode; address: string; to: readonly string[] }) {
  const { t } = useTranslation();
  const names = to.join(', ');
  if (mode !== 'keep' && to.length === 0) return null;
  const words = {
    keep: t('Mail for {{address}} is kept in this mailbox.', { address }),
    both: t('Each message for {{address}} is kept in this mailbox, and a copy is sent to {{names}}.', {
      address,
      names,
    }),
    forward: t(
      'Each message for {{address}} is sent on to {{names}}. Nothing new is kept here: if it is refused there, its sender gets it back.',
      { address, names },
    ),
  };
  const isRisky = mode === 'forward';
  return (
    <Alert
      color={isRisky ? 'orange' : 'blue'}
      variant="light"
      icon={<Icon name={isRisky ? 'warning' : 'explain'} />}
      title={t('What happens')}
      aria-live="polite"
    >
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {words[mode]}
      </Text>
    </Alert>
  );
}
