/** Numbers in comma-separated values, RFC 4180: quotes double, records end in CRLF or LF, the first may name the columns. */

import { DataError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { showShape } from '../core/shape.ts';
import { shortest } from './decimal.ts';

export interface CsvReadOptions {
  /** The first record names the columns; default false. */
  header?: boolean;
  /** One character between fields; default a comma. */
  delimiter?: string;
}

export interface CsvWriteOptions {
  /** Names for the columns, written as the first record. */
  columns?: readonly string[];
}

interface Field {
  text: string;
  line: number;
  column: number;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Reads records of decimal numbers, each first rounded to a double, then to f32.
 *
 * @returns `data`: shape [records, fields]; `columns`: their names, or null without a header
 * @throws DataError (E_CSV) with line and column for what is no number, records of another length, open quotes, no data
 */
export function readCsv(
  text: string,
  o: CsvReadOptions = {},
): { columns: readonly string[] | null; data: HostArray<'f32'> } {
  const records = parse(text.replace(/^\uFEFF/, ''), o.delimiter ?? ',');
  const columns = o.header ? (records.shift()?.map((f) => f.text) ?? null) : null;
  const width = columns?.length ?? records[0]?.length;
  if (records.length === 0) throw bad('holds no records', 1, 1, 'Give at least one record of numbers.');
  const data = new Float32Array(records.length * width);
  records.forEach((record, r) => {
    if (record.length !== width) {
      const { line, column } = record[Math.min(record.length - 1, width)];
      throw bad(`a record of ${record.length} fields, the first has ${width}`, line, column);
    }
    record.forEach(({ text: field, line, column }, c) => {
      const trimmed = field.trim();
      if (!NUMBER.test(trimmed)) throw bad(`${JSON.stringify(field.slice(0, 40))} is not a number`, line, column);
      const v = Math.fround(Number(trimmed));
      if (!Number.isFinite(v)) throw bad(`${trimmed.slice(0, 40)} is beyond the range of f32`, line, column);
      data[r * width + c] = v;
    });
  });
  return { columns, data: { data, shape: [records.length, width], dtype: 'f32' } };
}

/**
 * Writes records that `readCsv` reads back to the same bits: floats as the shortest decimal that names them.
 *
 * @param a shape [records, fields]
 * @throws DataError (E_CSV) for another rank, no data, NaN or Infinity, or columns that do not fit
 */
export function writeCsv(a: HostArray<'f32' | 'i32' | 'u32' | 'u8' | 'i8' | 'bool'>, o: CsvWriteOptions = {}): string {
  const [rows, width] = a.shape;
  if (a.shape.length !== 2 || a.data.length === 0 || rows * width !== a.data.length) {
    throw bad(`writes [records, fields], got shape ${showShape(a.shape)} of ${a.data.length} elements`, 1, 1);
  }
  if (o.columns && o.columns.length !== width) {
    throw bad(`${o.columns.length} column names for ${width} fields`, 1, 1, 'Name every column.');
  }
  const lines = o.columns ? [o.columns.map(quote).join(',')] : [];
  for (let r = 0; r < rows; r++) {
    const row = Array.from(a.data.subarray(r * width, (r + 1) * width));
    const c = row.findIndex((v) => !Number.isFinite(v));
    if (c >= 0) throw bad(`${row[c]} in row ${r}, field ${c} cannot be written`, lines.length + 1, 1);
    lines.push(row.map(shortest).join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function parse(text: string, delimiter: string): Field[][] {
  const records: Field[][] = [];
  let record: Field[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  while (at < text.length) {
    const field: Field = { text: '', line, column: at - lineStart + 1 };
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) throw bad('a quote is never closed', field.line, field.column);
        if (text[at] === '"') {
          if (text[at + 1] !== '"') break;
          at++;
        }
        if (text[at] === '\n') {
          line++;
          lineStart = at + 1;
        }
        field.text += text[at];
      }
      at++;
    } else {
      const start = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '"') at++;
      // The CR of a line's end is no part of the field.
      const end = text[at] === '\n' && text[at - 1] === '\r' ? Math.max(start, at - 1) : at;
      field.text = text.slice(start, end);
    }
    record.push(field);
    if (text.startsWith('\r\n', at)) at++;
    if (at >= text.length || text[at] === '\n') {
      records.push(record);
      record = [];
      at++;
      line++;
      lineStart = at;
    } else if (text[at] === delimiter) {
      at++;
      if (at >= text.length) records.push([...record, { text: '', line, column: at - lineStart + 1 }]);
    } else {
      throw bad('a quote inside a field, or text after one', line, at - lineStart + 1, 'Quote whole fields only.');
    }
  }
  return records;
}

function bad(message: string, line: number, column: number, hint?: string): DataError {
  return new DataError(`.csv: line ${line}, column ${column}: ${message}`, {
    code: 'E_CSV',
    hint: hint ?? 'Mend that record; every field must be a decimal number.',
    details: { line, column },
  });
}
