/* Names that look like others: see confusable.h. */
#include "domain/confusable.h"

#include "base/mem.h"

struct pair {
  uint32_t from;
  char to; /* 0: it is not drawn */
};
/* In the order of `from`. */
static const struct pair pairs[] = {
    {0x0131, 'i'}, {0x0251, 'a'}, {0x0261, 'g'}, {0x0391, 'A'}, {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'},
    {0x0397, 'H'}, {0x0399, 'I'}, {0x039A, 'K'}, {0x039C, 'M'}, {0x039D, 'N'}, {0x039F, 'O'}, {0x03A1, 'P'},
    {0x03A4, 'T'}, {0x03A5, 'Y'}, {0x03A7, 'X'}, {0x03B1, 'a'}, {0x03B3, 'y'}, {0x03B9, 'i'}, {0x03BA, 'k'},
    {0x03BD, 'v'}, {0x03BF, 'o'}, {0x03C1, 'p'}, {0x03C5, 'u'}, {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'},
    {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'}, {0x041A, 'K'}, {0x041C, 'M'}, {0x041D, 'H'}, {0x041E, 'O'},
    {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'}, {0x0423, 'Y'}, {0x0425, 'X'}, {0x0430, 'a'}, {0x0435, 'e'},
    {0x043E, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'},
    {0x0458, 'j'}, {0x04BB, 'h'}, {0x04CF, 'l'}, {0x0501, 'd'}, {0x051B, 'q'}, {0x051D, 'w'}, {0x0570, 'h'},
    {0x0578, 'n'}, {0x057D, 'u'}, {0x0581, 'g'}, {0x0585, 'o'}, {0x200B, 0},   {0x200C, 0},   {0x200D, 0},
    {0x2060, 0},   {0xFEFF, 0},
};

static bool find_pair(uint32_t from, char *ret_to) {
  size_t low = 0, high = sizeof(pairs) / sizeof(pairs[0]);
  if (from >= 0xFF01 && from <= 0xFF5E) { /* the wide forms of ASCII */
    *ret_to = (char)(from - 0xFF01 + '!');
    return true;
  }
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (pairs[middle].from == from) {
      *ret_to = pairs[middle].to;
      return true;
    }
    if (pairs[middle].from < from)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* `n` bytes of valid UTF-8 */
static uint32_t code_point(const char *p, size_t n) {
  uint32_t value = (unsigned char)p[0] & (n == 1 ? 0x7Fu : 0xFFu >> (n + 1));
  for (size_t i = 1; i < n; i++)
    value = value << 6 | ((unsigned char)p[i] & 0x3Fu);
  return value;
}

struct us_str us_name_looks_like(void *mem, struct us_str name) {
  char *text = us_mem_alloc(mem, name.n + 1);
  size_t length = 0, n;
  bool is_other = false;
  if (text == NULL)
    return US_STR_ABSENT;
  for (size_t at = 0; at < name.n; at += n) {
    n = us_str_utf8_char((struct us_str){name.p + at, name.n - at});
    char to = n == 1 ? name.p[at] : 0;
    if (n == 0 || (n > 1 && !find_pair(code_point(name.p + at, n), &to)))
      return US_STR_ABSENT;
    is_other = is_other || n > 1;
    if (to != 0)
      text[length++] = to;
  }
  text[length] = '\0';
  return is_other ? (struct us_str){text, length} : US_STR_ABSENT;
}
