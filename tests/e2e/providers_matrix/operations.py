"""All operations by name, in the order of the table."""
import anthropic_operations
import javascript
import openai_operations

PYTHON = {f.__name__: f
          for f in [*openai_operations.OPERATIONS, *anthropic_operations.OPERATIONS]}
NAMES = [*PYTHON, *javascript.NAMES]
