// What stands between the host of templates (C#) and the interpreter of Jinja. Values come in as JSON and a text goes out.
'use strict';

const jinja = module.exports;

let program;

const longestText = 16 * 1024 * 1024;
const longestEnding = 64;

// Returns the endings of what the template itself writes, as a JSON array: somebody's text may come right behind them.
function load(source) {
  // Marks for training masks render as nothing.
  const plain = source.replace(/{%-?\s*(?:end)?generation\s*-?%}/g, '');
  const tokens = jinja.tokenize(plain, { lstrip_blocks: true, trim_blocks: true });
  program = jinja.parse(tokens);
  const written = tokens.filter(({ type }) => type === 'Text' || type === 'StringLiteral');
  return JSON.stringify([...new Set(written.map(({ value }) => value.slice(-longestEnding)))]);
}

// One step of these can take more memory than all that the bounds allow, and the bounds are looked at between steps.
function bounded(length) {
  if (length > longestText) {
    throw new Error(`A text grew longer than ${longestText} characters.`);
  }
}

const { repeat } = String.prototype;
String.prototype.repeat = function (count) {
  bounded(this.length * count);
  return repeat.call(this, count);
};

const { join } = Array.prototype;
Array.prototype.join = function (separator = ',') {
  let length = String(separator).length * this.length;
  for (const item of this) {
    length += typeof item === 'string' ? item.length : 0;
  }

  bounded(length);
  return join.call(this, separator);
};

function render(json) {
  const environment = new jinja.Environment();
  const values = { ...globals, ...JSON.parse(json) };
  for (const name of Object.keys(values)) {
    environment.set(name, values[name]);
  }

  return new Interpreter(environment).run(program).value;
}

// Where Python's Jinja goes on and the interpreter stops. Its own classes are in reach, because it stands above in the same script.
const emptySequence = ['length', 'count', 'list', 'map', 'select', 'reject', 'selectattr', 'rejectattr'];
const ofText = ['trim', 'upper', 'lower', 'title', 'capitalize', 'indent', 'replace'];

// Python goes through keys of an object, too, and through what is not defined, as often as that has items.
jinja.Environment.TESTS.set('iterable', (value) => [ArrayValue, StringValue, ObjectValue, UndefinedValue].some((type) => value instanceof type));

const known = 'Known'; // a node that has its value already

// What is not defined adds nothing to a text.
const textOf = (value, other) => (value instanceof UndefinedValue && other instanceof StringValue ? new StringValue('') : value);

// As Python's str: what stands beside a tilde is text, whatever it was.
const stringOf = (value) => new StringValue(value instanceof UndefinedValue ? '' : value instanceof StringValue ? value.value : repr(value));

// A key that is a number is compared as one.
const numberOf = (value, other) =>
  value instanceof StringValue && other instanceof IntegerValue && /^-?\d+$/.test(value.value) ? new IntegerValue(Number(value.value)) : value;

const asIs = (value) => value;

const fits = { '+': textOf, '~': stringOf, '<': numberOf, '<=': numberOf, '>': numberOf, '>=': numberOf, in: asIs, 'not in': asIs };

class Interpreter extends jinja.Interpreter {
  evaluate(statement, environment) {
    switch (statement?.type) {
      case known:
        return statement.value;
      case 'ObjectLiteral':
        // A key that is a number is kept as its text.
        return new ObjectValue(new Map([...statement.value].map(
          ([key, value]) => [String(this.evaluate(key, environment).value), this.evaluate(value, environment)])));
      default:
        return super.evaluate(statement, environment);
    }
  }

  evaluateBinaryExpression(node, environment) {
    const fit = fits[node.operator.value];
    if (fit === undefined) {
      return super.evaluateBinaryExpression(node, environment);
    }

    const [left, right] = [this.evaluate(node.left, environment), this.evaluate(node.right, environment)];
    if (left instanceof NullValue && right instanceof ArrayValue && fit === asIs) {
      return new BooleanValue((node.operator.value === 'in') === right.value.some((item) => item instanceof NullValue));
    }

    const result = super.evaluateBinaryExpression(
      { operator: node.operator, left: { type: known, value: fit(left, right) }, right: { type: known, value: fit(right, left) } }, environment);
    if (result instanceof StringValue) {
      bounded(result.value.length);
    }

    return result;
  }

  evaluateMemberExpression(node, environment) {
    const object = this.evaluate(node.object, environment);
    if (object instanceof ObjectValue && node.property.type !== 'SliceExpression') {
      // Python looks for a method before it looks for an entry, unless the name stands in brackets.
      if (!node.computed && object.builtins.has(node.property.value)) {
        return object.builtins.get(node.property.value);
      }

      const name = node.computed ? this.evaluate(node.property, environment) : new StringValue(node.property.value);
      if (!(name instanceof StringValue)) {
        return object.value.get(String(name.value)) ?? new UndefinedValue();
      }
    }

    return super.evaluateMemberExpression({ ...node, object: { type: known, value: object } }, environment);
  }

  evaluateFor(node, environment) {
    const isFiltered = node.iterable.type === 'SelectExpression';
    const value = this.evaluate(isFiltered ? node.iterable.lhs : node.iterable, environment);
    if (value instanceof UndefinedValue) {
      return this.evaluateBlock(node.defaultBlock, environment);
    }

    const sequence = { type: known, value };
    return super.evaluateFor({ ...node, iterable: isFiltered ? { ...node.iterable, lhs: sequence } : sequence }, environment);
  }

  applyFilter(operand, filter, environment) {
    const name = filter.type === 'CallExpression' ? filter.callee.value : filter.value;
    if (operand instanceof ObjectValue && name === 'list') {
      return new ArrayValue([...operand.value.keys()].map((key) => new StringValue(key)));
    }

    if (name === 'string') {
      return stringOf(operand);
    }

    if (operand instanceof ArrayValue && (name === 'min' || name === 'max') && operand.value.length > 0) {
      return operand.value.reduce((best, item) => ((name === 'min') === item.value < best.value ? item : best));
    }

    const isNothing = operand instanceof UndefinedValue || operand instanceof NullValue;
    if (isNothing && ofText.includes(name)) {
      return super.applyFilter(stringOf(operand), filter, environment);
    }

    return super.applyFilter(isNothing && emptySequence.includes(name) ? new ArrayValue([]) : operand, filter, environment);
  }
}

// As Python writes values into text.
function repr(value) {
  switch (true) {
    case value instanceof StringValue: {
      const quote = value.value.includes("'") && !value.value.includes('"') ? '"' : "'";
      const escaped = value.value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
      return quote + (quote === "'" ? escaped.replace(/'/g, "\\'") : escaped) + quote;
    }

    case value instanceof BooleanValue:
      return value.value ? 'True' : 'False';
    case value instanceof NullValue:
      return 'None';
    case value instanceof ArrayValue:
      return `[${value.value.map(repr).join(', ')}]`;
    case value instanceof ObjectValue:
      return `{${[...value.value].map(([key, item]) => `${repr(new StringValue(key))}: ${repr(item)}`).join(', ')}}`;
    default:
      return value.toString();
  }
}

ArrayValue.prototype.toString = function () {
  return repr(this);
};
ObjectValue.prototype.toString = function () {
  return repr(this);
};

addMethods(StringValue, (text) => ({
  format: (values) => {
    let next = 0;
    return new StringValue(text.value.replace(/{(\d*)}/g, (all, index) => values[index === '' ? next++ : Number(index)]?.toString() ?? all));
  },
}));
addMethods(ArrayValue, (list) => ({
  append: ([item]) => {
    list.value.push(item);
    return new NullValue();
  },
  pop: ([index]) => list.value.splice(index?.value ?? -1, 1)[0] ?? new UndefinedValue(),
}));

// A value keeps its methods, so each gets them once.
const extended = new WeakSet();

function addMethods(type, methods) {
  const own = Object.getOwnPropertyDescriptor(type.prototype, 'builtins').get;
  Object.defineProperty(type.prototype, 'builtins', {
    get() {
      const all = own.call(this);
      if (extended.has(all)) {
        return all;
      }

      extended.add(all);
      for (const [name, method] of Object.entries(methods(this))) {
        if (!all.has(name)) {
          all.set(name, new FunctionValue(method));
        }
      }

      return all;
    },
  });
}

const globals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range: (...bounds) => {
    const [from, to] = bounds.length > 1 ? bounds : [0, bounds[0]];
    const step = bounds[2] ?? 1;
    const numbers = [];
    for (let number = from; step > 0 ? number < to : number > to; number += step) {
      numbers.push(number);
    }

    return numbers;
  },
  raise_exception: (message) => {
    const error = new Error(String(message));
    error.name = 'TemplateRefusal';
    throw error;
  },
  strftime_now: (format) => strftime(new Date(), String(format)),
  fromjson: (text) => JSON.parse(text),
  // Thoughts of earlier turns stay, where a template leaves the choice: the beginning of the prompt is then the same in every turn.
  preserve_thinking: true,
  clear_thinking: false,
  truncate_history_thinking: false,
  drop_thinking: false,
  get date_string() {
    return strftime(new Date(), '%d %b %Y');
  },
  get datetime() {
    return strftime(new Date(), '%b %d %Y');
  },
};

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

// As Python's, in its "C" locale; a minus after the percent sign leaves leading zeros out.
function strftime(now, format) {
  const pad = (value, width = 2, fill = '0') => String(value).padStart(width, fill);
  const dayOfYear = Math.floor((Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) - Date.UTC(now.getFullYear(), 0, 0)) / 86400000);
  const offset = -now.getTimezoneOffset();
  const hour12 = now.getHours() % 12 || 12;
  const weekOfYear = (first) => pad(Math.floor((dayOfYear + 6 - ((now.getDay() + 7 - first) % 7)) / 7));
  const parts = {
    a: () => days[now.getDay()].slice(0, 3),
    A: () => days[now.getDay()],
    b: () => months[now.getMonth()].slice(0, 3),
    B: () => months[now.getMonth()],
    c: () => strftime(now, '%a %b %e %H:%M:%S %Y'),
    d: () => pad(now.getDate()),
    D: () => strftime(now, '%m/%d/%y'),
    e: () => pad(now.getDate(), 2, ' '),
    f: () => pad(now.getMilliseconds() * 1000, 6),
    F: () => strftime(now, '%Y-%m-%d'),
    h: () => months[now.getMonth()].slice(0, 3),
    H: () => pad(now.getHours()),
    I: () => pad(hour12),
    j: () => pad(dayOfYear, 3),
    m: () => pad(now.getMonth() + 1),
    M: () => pad(now.getMinutes()),
    n: () => '\n',
    p: () => (now.getHours() < 12 ? 'AM' : 'PM'),
    r: () => strftime(now, '%I:%M:%S %p'),
    R: () => strftime(now, '%H:%M'),
    s: () => String(Math.floor(now.getTime() / 1000)),
    S: () => pad(now.getSeconds()),
    t: () => '\t',
    T: () => strftime(now, '%H:%M:%S'),
    u: () => String(now.getDay() || 7),
    U: () => weekOfYear(0),
    w: () => String(now.getDay()),
    W: () => weekOfYear(1),
    x: () => strftime(now, '%m/%d/%y'),
    X: () => strftime(now, '%H:%M:%S'),
    y: () => pad(now.getFullYear() % 100),
    Y: () => String(now.getFullYear()),
    z: () => (offset < 0 ? '-' : '+') + pad(Math.floor(Math.abs(offset) / 60)) + pad(Math.abs(offset) % 60),
    Z: () => (offset === 0 ? 'UTC' : ''),
    '%': () => '%',
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (all, minus, name) => {
    const part = parts[name]?.();
    return part === undefined ? all : minus ? part.replace(/^[0 ]+(?=.)/, '') : part;
  });
}
