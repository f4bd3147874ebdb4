// What may stand in a field of a desired state: how each type is read, and how it is written so that what is written reads
// back as the same. What is read is the form that the directory's operations take.

export interface FieldType {
  /** Throws BadValueError with what to write instead. */
  parse(value: unknown): unknown;
  /** In the form of YAML. */
  print(value: unknown): unknown;
  /** What two values are compared by, where not by how they are printed. */
  comparable?(value: unknown): unknown;
}

export class BadValueError extends Error {
  override name = 'BadValueError';
}

function bad(message: string): never {
  throw new BadValueError(message);
}

const asIs = (value: unknown): unknown => value;

export const text: FieldType = {
  // YAML takes `yes`, `12` and `1.5` for what they look like.
  parse: (value) => (['string', 'number'].includes(typeof value) ? String(value) : bad('write a text')),
  print: asIs,
};

export const flag: FieldType = {
  parse: (value) => {
    if (typeof value === 'boolean') return value;
    return value === 'yes' || value === 'no' ? value === 'yes' : bad('write yes or no');
  },
  print: (value) => (value === true ? 'yes' : 'no'),
};

export const count: FieldType = {
  parse: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : bad('write a whole number'),
  print: asIs,
};

const units = ['', 'K', 'M', 'G', 'T'];

export const size: FieldType = {
  parse: (value) => {
    const [, digits, unit = ''] = /^(\d+)([KMGT]?)$/i.exec(String(value)) ?? [];
    const bytes = Number(digits) * 1024 ** units.indexOf(unit.toUpperCase());
    return Number.isSafeInteger(bytes) ? bytes : bad('write a size as in 500M or 2G, 0 for unlimited');
  },
  print: (value) => {
    let [amount, unit] = [Number(value), 0];
    while (amount > 0 && amount % 1024 === 0 && unit < units.length - 1) [amount, unit] = [amount / 1024, unit + 1];
    return unit === 0 ? amount : `${amount}${units[unit]}`;
  },
};

export const time: FieldType = {
  parse: (value) => {
    const moment = typeof value === 'string' ? Date.parse(value) : value === 0 ? 0 : Number.NaN;
    return Number.isNaN(moment) ? bad('write a time as in 2026-01-31T12:00:00Z') : moment;
  },
  print: (value) => (value === 0 ? 0 : new Date(Number(value)).toISOString()),
};

const folded = (value: unknown): string[] => (value as readonly string[]).map((one) => one.toLowerCase());

/** In their order. */
export const texts: FieldType = {
  parse: (value) => {
    const list = Array.isArray(value) ? value : [value];
    return list.every((one) => typeof one === 'string') ? list : bad('write a list of texts, as in [a, b]');
  },
  print: asIs,
  comparable: folded,
};

/** In any order. */
export const textSet: FieldType = { ...texts, comparable: (value) => [...new Set(folded(value))].sort() };

export function oneOf(...words: readonly string[]): FieldType {
  return {
    parse: (value) => (words.includes(String(value)) ? value : bad(`write ${words.join(' or ')}`)),
    print: asIs,
  };
}

/** Of fields of its own; `needed` ones must be there. */
export function record(fields: Readonly<Record<string, FieldType>>, needed: readonly string[]): FieldType {
  return {
    parse: (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        bad(`write its fields: ${Object.keys(fields).join(', ')}`);
      }
      const missing = needed.find((name) => !Object.hasOwn(value, name));
      if (missing !== undefined) bad(`"${missing}" is missing`);
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => {
          const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
          if (type === undefined) bad(`there is no "${name}": there are ${Object.keys(fields).join(', ')}`);
          return [name, parseNamed(name, type, one)];
        }),
      );
    },
    print: (value) =>
      Object.fromEntries(
        Object.entries(fields)
          .map(([name, type]) => [name, (value as Record<string, unknown>)[name], type] as const)
          .filter(([, one]) => one !== undefined && one !== '')
          .map(([name, one, type]) => [name, type.print(one)]),
      ),
  };
}

function parseNamed(name: string, type: FieldType, value: unknown): unknown {
  try {
    return type.parse(value);
  } catch (error) {
    if (error instanceof BadValueError) throw new BadValueError(`${name}: ${error.message}`);
    throw error;
  }
}
