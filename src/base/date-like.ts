const MONTH = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
const TIME = '(?:[ T,]+\\d{1,2}:\\d\\d.*)?';
/** `04/19/2023`, `Jan 19, 2023`, `19 January 2023`, `19-Jan-23`, `2023/04/19`. */
const LIKE = new RegExp(
  `^(?:\\d{1,2}[/-]\\d{1,2}[/-]\\d{2,4}|\\d{4}/\\d{1,2}/\\d{1,2}|${MONTH} \\d{1,2},? \\d{4}|\\d{1,2}[ -]${MONTH}[ -]\\d{2,4})${TIME}$`,
  'i',
);

/** What to say of words that a reader takes for dates and nnc does not: which of 04/05/2023 is the month, nobody can tell. */
export const DATES_HELP = 'these look like dates: write them as 2023-04-19';

/** Whether a text looks like a date that is not read as one. */
export const isDateLike = (text: string): boolean => LIKE.test(text);
