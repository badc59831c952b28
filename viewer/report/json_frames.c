/* SPDX-License-Identifier: MIT */
#include "viewer/report/json_frames.h"

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/model/model.h"
#include "viewer/pe/pe_key.h"
#include "viewer/symbols/symbols.h"

static void write_build_id(struct json *j, const struct model_module *module)
{
	struct buffer b = { 0 };

	if (module && module->build_id_bytes)
		buffer_hex_bytes(&b, module->build_id, module->build_id_bytes);
	json_write_text(j, "build_id", b.data);
	buffer_release(&b);
}

/* What symbol servers and crash reporters know a PE file and its PDB by. */
static void write_keys(struct json *j, const struct model_module *module)
{
	struct trace_pe_id id;
	struct buffer b = { 0 };

	if (!module || module->kind != TRACE_MODULE_PE || !module->build_id_bytes)
		return;
	memcpy(&id, module->build_id, sizeof(id));
	pe_key_write_file(&b, &id);
	json_write_text(j, "code_id", b.data);
	b.used = 0;
	pe_key_write_pdb(&b, &id);
	json_write_text(j, "debug_id", b.used ? b.data : NULL);
	buffer_release(&b);
}

static void write_frame(struct json *j, const struct model_frame *frame,
			const struct symbol *symbol, bool is_in_package)
{
	json_open_object(j, NULL);
	json_write_address_if(j, "address", frame->has_address, frame->address);
	json_write_text(j, "module", frame->module ? frame->module->name : NULL);
	json_write_address_if(j, "offset", frame->module || !frame->has_address, frame->offset);
	write_build_id(j, frame->module);
	write_keys(j, frame->module);
	json_write_text(j, "function", symbol->function);
	json_write_text(j, "linkage_name", symbol->linkage_name);
	json_write_text(j, "file", symbol->file);
	json_write_number_if(j, "line", symbol->line, symbol->line);
	json_write_boolean(j, "inlined", symbol->is_inlined);
	json_write_boolean(j, "in_package", is_in_package);
	json_close_object(j);
}

void json_frames_write(struct json *j, const char *key, struct symbols *symbols,
		       const struct model *model, uint32_t package, const struct model_stack *stack)
{
	json_open_array(j, key);
	for (uint32_t i = 0; stack && i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

		for (; symbol; symbol = symbol->outer)
			write_frame(j, frame, symbol, model_is_in_package(model, package, frame));
	}
	json_close_array(j);
}
