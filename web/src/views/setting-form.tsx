// One parameter: what it is for, what it is now and why, what lint says of it; and its value, changed in main.cf as by
// `postconf -e` and in force at once, or refused with the reason.

import {
  Alert,
  Badge,
  Button,
  Code,
  Group,
  List,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { DraftState, useDraft } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { useRestartWords } from '../parts/restart-words.ts';
import { useChange } from '../parts/use-change.ts';
import { FindingCard } from './settings-findings.tsx';
import { SettingOrigin } from './setting-origin.tsx';

type Setting = Output<'setting.show'>;
type Changed = Output<'setting.set'>;

interface SettingProps {
  readonly setting: Setting;
  readonly etag: string | undefined;
}

export function SettingForm({ setting, etag }: SettingProps) {
  const { t } = useTranslation();
  const state = useCall('setting.state', {});
  const lint = useCall('lint.list', {});
  const { name, machineOnly, needsRestart, overrides, text } = setting;
  const findings = (lint.data?.items ?? []).filter(({ parameter }) => parameter === name);
  return (
    <Stack>
      <Text>{text === '' ? t('Nobody has described it yet.') : text}</Text>
      <Facts setting={setting} />
      {machineOnly !== undefined ? (
        <OnTheMachine
          name={name}
          needsRestart={needsRestart}
          why={t('It is not changed over the network: {{why}}.', { why: machineOnly })}
        />
      ) : state.data?.isWritable === false ? (
        <OnTheMachine
          name={name}
          needsRestart={needsRestart}
          why={t("The server's user may not write main.cf here.")}
        />
      ) : (
        <ValueForm setting={setting} etag={etag} />
      )}
      {overrides.length === 0 ? null : (
        <Stack gap={4}>
          <Text size="sm" fw={600}>
            {t('Services of master.cf have another value')}
          </Text>
          <List size="sm">
            {overrides.map(({ service, type, line, value }) => (
              <List.Item key={`${service} ${type} ${line}`}>
                {service} ({t('line {{line}}', { line })}):{' '}
                <Code>{setting.isSecret ? t('(not shown)') : value || t('(empty)')}</Code>
              </List.Item>
            ))}
          </List>
        </Stack>
      )}
      {findings.map((finding) => (
        <FindingCard key={`${finding.rule} ${finding.text}`} finding={finding} />
      ))}
    </Stack>
  );
}

function Facts({ setting }: { readonly setting: Setting }) {
  const { t } = useTranslation();
  const { status, needsRestart, origin, expanded, isSecret, isSet, kind, unit, default: usual, min, max } = setting;
  const kinds: Readonly<Record<Setting['kind'], string>> = {
    text: t('text'),
    list: t('list'),
    flag: t('yes or no'),
    integer: t('number'),
    time: t('time'),
  };
  const range = kind === 'integer' && max !== undefined && max < Number.MAX_SAFE_INTEGER ? ` ${min ?? 0}–${max}` : '';
  return (
    <Stack gap={6}>
      <Group gap={6}>
        <Badge variant="light" tt="none">
          {kinds[kind] + range + (unit === undefined ? '' : ` (${unit})`)}
        </Badge>
        {status === 'supported' ? null : (
          <Badge variant="light" color="orange" tt="none">
            {status === 'unneeded' ? t('no meaning here') : t('not supported yet: no effect')}
          </Badge>
        )}
        {needsRestart ? (
          <Badge variant="light" color="grape" tt="none">
            {t('counts after a restart')}
          </Badge>
        ) : null}
      </Group>
      <Text size="sm">
        {t('From:')} <SettingOrigin origin={origin} />
      </Text>
      {isSecret ? (
        <Text size="sm" c="dimmed">
          {isSet ? t('It may hold a password, and is shown to nobody.') : t('It is not set.')}
        </Text>
      ) : (
        <>
          {isSet ? (
            <Text size="sm">
              {t('Default:')} <Code>{usual === '' ? t('(empty)') : usual}</Code>
            </Text>
          ) : null}
          {expanded === undefined ? null : (
            <Text size="sm" component="div">
              {t('That is:')} <Code block>{expanded === '' ? t('(empty)') : expanded}</Code>
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}

interface OnTheMachineProps {
  readonly name: string;
  readonly needsRestart: boolean;
  readonly why: string;
}

function OnTheMachine({ name, needsRestart, why }: OnTheMachineProps) {
  const { t } = useTranslation();
  return (
    <Alert color="gray" variant="light" icon={<Icon name="defence" />} title={t('Changed on the machine only')}>
      <Text size="sm">{why}</Text>
      <Text size="sm" mt="xs">
        {t('Whoever may do so there writes:')}
      </Text>
      <Code block mt={4}>{`posthaste postconf -e '${name} = …'${needsRestart ? '' : '\nposthaste reload'}`}</Code>
    </Alert>
  );
}

function ValueForm({ setting, etag }: SettingProps) {
  const { t } = useTranslation();
  const change = useChange();
  const ask = useAsk();
  const { name, isSet, isSecret } = setting;
  const draft = useDraft({ value: setting.value }, etag);
  const { value } = draft.value;
  const [done, setDone] = useState<Changed>();
  const { problem } = change;
  const isHere = problem?.field === 'value';
  const make = async (work: () => Promise<Changed>, text: string, isUndo = false) => {
    const isMade = await change.run(async () => {
      const changed = await work();
      setDone(isUndo ? undefined : changed);
    }, text);
    if (isMade) draft.drop();
  };
  const reset = () =>
    ask(
      {
        title: t('Take {{name}} out of main.cf?', { name }),
        text: t('Its default holds from then on. This can be undone.'),
        confirm: t('Take it out'),
      },
      () => void make(() => call('setting.reset', { name }, draft), t('The default holds now')),
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void make(() => call('setting.set', { name, value }, draft), t('{{name}} is changed', { name }));
      }}
    >
      <Stack gap="sm">
        <DraftState draft={draft} change={isHere ? { ...change, problem: undefined } : change} />
        <ValueInput
          setting={setting}
          value={value}
          onChange={(next) => draft.set({ value: next })}
          error={isHere ? [problem.text, problem.mend].filter(Boolean).join(' → ') : undefined}
        />
        <Group justify="space-between">
          <Group gap="xs">
            {isSet ? (
              <Button variant="default" onClick={reset} disabled={change.isBusy}>
                {t('Back to the default')}
              </Button>
            ) : null}
          </Group>
          <Button type="submit" loading={change.isBusy} disabled={value === setting.value && !isSecret}>
            {t('Change it')}
          </Button>
        </Group>
        {change.isBusy ? (
          <Text size="sm" c="dimmed" role="status">
            {t('The whole configuration is checked with it first.')}
          </Text>
        ) : null}
        {done === undefined ? null : (
          <Done
            changed={done}
            onUndo={() => void make(() => call('setting.undo', { name }, { etag }), t('Undone'), true)}
            isBusy={change.isBusy}
          />
        )}
      </Stack>
    </form>
  );
}

interface ValueInputProps {
  readonly setting: Setting;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}

function ValueInput({ setting, value, onChange, error }: ValueInputProps) {
  const { t } = useTranslation();
  const { kind, words, unit, isSecret } = setting;
  const label = t('Value');
  if (kind === 'flag' && /^(yes|no)$/i.test(value)) {
    return (
      <Switch
        label={value.toLowerCase()}
        aria-label={label}
        checked={value.toLowerCase() === 'yes'}
        onChange={(event) => onChange(event.currentTarget.checked ? 'yes' : 'no')}
        error={error}
      />
    );
  }
  if (words !== undefined && words.includes(value)) {
    return (
      <Select
        label={label}
        allowDeselect={false}
        value={value}
        onChange={(chosen) => onChange(chosen ?? value)}
        data={words.map((word) => ({ value: word, label: word === '' ? t('(empty)') : word }))}
        error={error}
      />
    );
  }
  const shared = {
    label,
    value,
    error,
    classNames: { input: 'mono' },
    spellCheck: false,
    autoCapitalize: 'none',
  };
  if (kind === 'list' || value.length > 60) {
    return (
      <Textarea
        {...shared}
        description={isSecret ? t('What stands there is not shown: this replaces it.') : undefined}
        autosize
        minRows={2}
        maxRows={10}
        // A value is one line: where one breaks it for the eye, a blank stands.
        onChange={(event) => onChange(event.currentTarget.value.replaceAll(/\s*\n\s*/g, ' '))}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      description={
        unit === undefined ? undefined : t('A number with s, m, h, d or w; without a letter: {{unit}}', { unit })
      }
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface DoneProps {
  readonly changed: Changed;
  readonly onUndo: () => void;
  readonly isBusy: boolean;
}

function Done({ changed: { restart, findings }, onUndo, isBusy }: DoneProps) {
  const { t } = useTranslation();
  const wordsOf = useRestartWords();
  return (
    <Alert
      color={restart.length > 0 || findings.length > 0 ? 'orange' : 'green'}
      variant="light"
      role="status"
      title={restart.length > 0 ? t('Changed; it counts after a restart') : t('Changed, and in force')}
    >
      <Stack gap="xs" align="flex-start">
        {restart.map((text) => (
          <Text size="sm" key={text}>
            {wordsOf(text)}
          </Text>
        ))}
        {findings.map(({ rule, text }) => (
          <Text size="sm" key={`${rule} ${text}`}>
            {t('Lint says: {{text}}', { text })}
          </Text>
        ))}
        <Button size="xs" variant="default" onClick={onUndo} disabled={isBusy}>
          {t('Undo')}
        </Button>
      </Stack>
    </Alert>
  );
}
