// Where the mailbox's mail goes on to, and whether a copy stays. It is said plainly what will happen before it is saved.

import { Alert, Button, Group, Radio, Stack, TagsInput, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { Section } from '../parts/section.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import type { Mailbox } from './overview-tab.tsx';

type Mode = 'keep' | 'both' | 'forward';

export function ForwardTab({ mailbox }: { readonly mailbox: Mailbox }) {
  const { t } = useTranslation();
  const change = useChange();
  const { address, forward } = mailbox;
  const [mode, setMode] = useState<Mode>(forward?.mode ?? 'keep');
  const [to, setTo] = useState<string[]>([...(forward?.to ?? [])]);
  const [typed, setTyped] = useState('');
  // What stands in the field counts too, also where nobody has pressed Enter.
  const targets = typed.trim() === '' ? to : [...new Set([...to, typed.trim()])];
  const isForwarded = mode !== 'keep';
  const wrong = isForwarded ? targets.find((one) => !/^[^\s@]+@[^\s@]+$/.test(one)) : undefined;
  const isChanged = mode !== (forward?.mode ?? 'keep') || targets.join() !== (forward?.to ?? []).join();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const next = isForwarded ? { mode, to: targets } : null;
    await change.run(
      () => call('mailbox.set', { address, forward: next }),
      isForwarded ? t('Mail is forwarded from now on') : t('Mail is forwarded no more'),
    );
  };
  return (
    <Section title={t('Forward')} note={t('Send the mail of this mailbox on to other addresses.')}>
      <form onSubmit={(event) => void save(event)}>
        <Stack maw={620}>
          {change.problem === undefined ? null : <Failed error={change.problem} />}
          <Radio.Group label={t('New mail')} value={mode} onChange={(value) => setMode(value as Mode)}>
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
              value={to}
              onChange={setTo}
              searchValue={typed}
              onSearchChange={setTyped}
              splitChars={[',', ';', ' ']}
              maxTags={50}
              error={wrong === undefined ? undefined : t('"{{address}}" is no address', { address: wrong })}
            />
          ) : null}
          <Effect mode={mode} address={address} to={targets} />
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
      </form>
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
