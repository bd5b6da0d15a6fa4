/* A decision explained, as JSON (design 6): what evaluate answers and `usher explain --json` prints. */
#ifndef USHER_ENDPOINT_CREST_EXPLANATION_H
#define USHER_ENDPOINT_CREST_EXPLANATION_H

#include "domain/explain.h"
#include "json/write.h"

/* Steps of paths that are written in all; of those behind them only the number. */
#define US_EXPLANATION_STEPS_MAX 2000
void us_explanation_write(struct us_json_writer *w, const struct us_explanation *explanation);

#endif
