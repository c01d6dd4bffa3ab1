# Turns FILES ("|" between them, relative to ROOT) into OUT: an array of (path, content), the contents brought in by the assembler.
string(REPLACE "|" ";" names "${FILES}")
set(assembly "")
set(externs "")
set(entries "")
set(index 0)
foreach(name IN LISTS names)
    string(APPEND assembly "asm(\".pushsection .rodata\\nembedded_${index}: .incbin \\\"${ROOT}/${name}\\\"\\nembedded_${index}_end: .byte 0\\n.popsection\");\n")
    string(APPEND externs "extern const char begin${index}[] asm(\"embedded_${index}\");\nextern const char end${index}[] asm(\"embedded_${index}_end\");\n")
    string(APPEND entries "    {\"${name}\", begin${index}, end${index}},\n")
    math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"platform/embedded.hpp\"

${assembly}
extern \"C\" {
${externs}}

namespace stratolet {

const EmbeddedFile embeddedFiles[] = {
${entries}    {nullptr, nullptr, nullptr},
};

}
")
